import type { Look } from './identity.js';

/** A bit of the line that stands for something in the charts. */
export function Swatch({ look }: { readonly look: Look }) {
  return (
    <svg class="swatch" viewBox="0 0 26 8" aria-hidden="true">
      <line
        x1="1"
        y1="4"
        x2="25"
        y2="4"
        stroke-dasharray={look.dash.join(' ')}
        style={{ stroke: `var(${look.colour})` }}
      />
    </svg>
  );
}
