/** Text of a report's page: everything that comes from elsewhere is escaped. */
export function escape(text: string): string {
  return text.replace(
    /[&<>"']/g,
    (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[character] ?? '',
  );
}

/** `12,345` or `1.23`: three digits that matter. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits =
    Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 || value === 0 ? 2 : 3;
  return value
    .toLocaleString('en-US', { minimumFractionDigits: 0, maximumFractionDigits: digits })
    .replace(/^-0$/, '0');
}

/** Milliseconds as a person says them. */
export function duration(milliseconds: number): string {
  if (milliseconds >= 10_000) return `${number(milliseconds / 1_000)} s`;
  return `${number(milliseconds)} ms`;
}

export interface Cell {
  readonly text: string;
  readonly kind?: 'good' | 'bad' | 'muted';
}

/** A table whose first column is text and whose others are figures. */
export function table(
  header: readonly string[],
  rows: readonly (readonly (string | Cell)[])[],
  caption = '',
): string {
  const cells = (row: readonly (string | Cell)[]): string =>
    row
      .map((cell, i) => {
        const { text, kind } = typeof cell === 'string' ? { text: cell, kind: undefined } : cell;
        const tag = i === 0 ? 'th scope="row"' : 'td';
        return `<${tag}${kind === undefined ? '' : ` class="${kind}"`}>${escape(text)}</${tag.slice(0, 2)}>`;
      })
      .join('');
  const head = header.map((title) => `<th scope="col">${escape(title)}</th>`).join('');
  const body = rows.map((row) => `<tr>${cells(row)}</tr>`).join('');
  const title = caption === '' ? '' : `<caption>${escape(caption)}</caption>`;
  return `<div class="wide"><table>${title}<thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

export function section(title: string, note: string, content: string): string {
  const text = note === '' ? '' : `<p class="note">${escape(note)}</p>`;
  return `<section><h2>${escape(title)}</h2>${text}${content}</section>`;
}

/** Pairs of what and how much, for the head of a page. */
export function tiles(facts: readonly (readonly [string, string, string?])[]): string {
  const each = facts.map(
    ([name, value, note]) =>
      `<div class="tile"><dt>${escape(name)}</dt><dd>${escape(value)}</dd>${note === undefined ? '' : `<small>${escape(note)}</small>`}</div>`,
  );
  return `<dl class="tiles">${each.join('')}</dl>`;
}
