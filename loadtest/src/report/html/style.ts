/** The page's looks: light and dark by the reader's choice, colours that colour-blind people can tell apart. */
export const style = `
:root { color-scheme: light dark;
  --paper: #fff; --ink: #1b1f24; --soft: #5a6472; --rule: #d9dee5; --panel: #f5f7fa;
  --one: #0072b2; --two: #c45500; --three: #00795a; --four: #8a5aa8;
  --good: #00694c; --bad: #b3261e; --fault: #b3261e; --leader: #5a6472; --heal: #00795a; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #12161c; --ink: #e6eaf0; --soft: #9aa6b5; --rule: #2c343f; --panel: #1a2029;
  --one: #56b4e9; --two: #f0a04b; --three: #3ecfa0; --four: #c9a2e6;
  --good: #3ecfa0; --bad: #ff8a80; --fault: #ff8a80; --leader: #9aa6b5; --heal: #3ecfa0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1040px; padding: 28px 20px 48px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; font-variant-numeric: tabular-nums; }
header h1 { font-size: 1.55rem; line-height: 1.25; margin: 0 0 4px; letter-spacing: -0.01em; }
header p, .note, footer { color: var(--soft); margin: 0; }
.brand { font-size: .8rem; text-transform: uppercase; letter-spacing: .09em; color: var(--soft); }
.verdict { display: inline-block; margin: 12px 8px 0 0; padding: 2px 10px; border: 1px solid currentColor; border-radius: 99px; font-size: .86rem; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .muted { color: var(--soft); }
section { margin-top: 34px; } h2 { font-size: 1.08rem; margin: 0 0 4px; } h3 { font-size: .95rem; margin: 20px 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 10px; margin: 20px 0 0; }
.tile { background: var(--panel); border-radius: 10px; padding: 10px 14px; }
.tile dt { color: var(--soft); font-size: .8rem; } .tile dd { margin: 0; font-size: 1.3rem; font-weight: 600; letter-spacing: -0.01em; }
.tile small { color: var(--soft); }
figure { margin: 16px 0 0; break-inside: avoid; } figcaption { font-size: .86rem; color: var(--soft); display: flex; flex-wrap: wrap; gap: 4px 16px; margin-bottom: 8px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 14px; } .key::before { content: ''; display: inline-block; width: 18px; height: 0; border-top: 2.5px solid var(--c); margin-right: 6px; vertical-align: middle; }
.key.dashed::before { border-top-style: dashed; }
.one { --c: var(--one); } .two { --c: var(--two); } .three { --c: var(--three); } .four { --c: var(--four); }
.chart { position: relative; padding: 0 0 22px 62px; }
.plot { position: relative; height: 190px; } .plot svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.plot path, .plot rect { vector-effect: non-scaling-stroke; }
.grid { stroke: var(--rule); stroke-width: 1; } .line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
.line.dashed { stroke-dasharray: 5 4; } .area { fill: var(--c); opacity: .13; stroke: none; }
.mark { stroke-width: 1.2; stroke-dasharray: 3 3; } .mark.leader { stroke: var(--leader); } .mark.heal { stroke: var(--heal); } .mark.fault { stroke: var(--fault); stroke-dasharray: none; }
.band { opacity: .14; } .band.fault { fill: var(--fault); } .band.leader { fill: var(--leader); } .band.heal { fill: var(--heal); }
.label { position: absolute; font-size: .7rem; line-height: 1.1; padding: 0 3px; white-space: nowrap; color: var(--leader); background: color-mix(in srgb, var(--paper) 78%, transparent); pointer-events: none; }
.label.fault { color: var(--fault); } .label.heal { color: var(--heal); }
.axis span { position: absolute; font-size: .74rem; color: var(--soft); white-space: nowrap; }
.axis.y { position: absolute; left: 0; top: 0; bottom: 22px; width: 56px; } .axis.y span { right: 0; transform: translateY(50%); }
.axis.x { position: absolute; left: 62px; right: 0; bottom: 0; height: 18px; } .axis.x span { transform: translateX(-50%); } .axis.x span:last-child { transform: translateX(-100%); } .axis.x span:first-child { transform: none; }
.tip { position: absolute; z-index: 2; pointer-events: none; background: var(--ink); color: var(--paper); font-size: .78rem; line-height: 1.35; border-radius: 6px; padding: 5px 9px; white-space: pre; }
.cursor { position: absolute; top: 0; bottom: 0; width: 1px; background: var(--soft); pointer-events: none; }
.strips { display: grid; gap: 2px; } .strip { display: grid; grid-template-columns: minmax(96px, 190px) 1fr; gap: 12px; align-items: center; font-size: .86rem; }
.track { position: relative; height: 22px; border-bottom: 1px solid var(--rule); margin: 0 8px; } .track.scale { border: 0; height: 18px; }
.track.scale span { position: absolute; transform: translateX(-50%); font-size: .74rem; color: var(--soft); white-space: nowrap; }
.dot { position: absolute; top: 50%; width: 9px; height: 9px; margin: -4.5px; border-radius: 50%; background: var(--c); opacity: .62; } .dot.two { border-radius: 1px; } .dot.three { clip-path: polygon(50% 0, 100% 100%, 0 100%); }
.wide { overflow-x: auto; margin-top: 10px; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; color: var(--soft); font-size: .86rem; padding-bottom: 4px; }
th, td { text-align: right; padding: 5px 10px; border-bottom: 1px solid var(--rule); white-space: nowrap; } th:first-child { text-align: left; font-weight: 500; padding-left: 0; } thead th { color: var(--soft); font-weight: 500; font-size: .8rem; }
footer { margin-top: 44px; padding-top: 14px; border-top: 1px solid var(--rule); font-size: .82rem; overflow-wrap: anywhere; }
code { font: .92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
@media (max-width: 560px) { body { padding: 18px 14px 36px; } .tile dd { font-size: 1.1rem; } .chart { padding-left: 50px; } .axis.y { width: 45px; } .axis.x { left: 50px; } .plot { height: 160px; } .strip { grid-template-columns: 92px 1fr; } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --rule: #ccc; --panel: #f2f2f2; --one: #0072b2; --two: #c45500; --three: #00795a; --four: #8a5aa8; --good: #00694c; --bad: #b3261e; --fault: #b3261e; --leader: #555; --heal: #00795a; }
  body { max-width: none; padding: 0; font-size: 11px; } section { break-inside: avoid; } .wide { overflow: visible; } table { font-size: 9px; } th, td { padding: 3px 6px; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`;

/** Tells the values under the pointer; the page is whole without it. */
export const script = `
for (const chart of document.querySelectorAll('[data-chart]')) {
  const { lines } = JSON.parse(chart.dataset.chart), plot = chart.querySelector('.plot');
  const tip = document.createElement('div'), cursor = document.createElement('div');
  tip.className = 'tip'; cursor.className = 'cursor'; tip.hidden = cursor.hidden = true; plot.append(cursor, tip);
  plot.addEventListener('pointermove', (event) => {
    const box = plot.getBoundingClientRect(), at = (event.clientX - box.left) / box.width;
    const near = lines.map(({ name, points }) => [name, points.reduce((best, point) => !best || Math.abs(point[0] - at) < Math.abs(best[0] - at) ? point : best, null)]).filter(([, point]) => point);
    if (near.length === 0) return;
    const x = near[0][1][0];
    tip.textContent = [near[0][1][1], ...near.map(([name, point]) => name + '  ' + point[2])].join('\\n');
    cursor.style.left = x * 100 + '%';
    tip.style.left = x > 0.6 ? '' : 'calc(' + x * 100 + '% + 10px)';
    tip.style.right = x > 0.6 ? 'calc(' + (100 - x * 100) + '% + 10px)' : '';
    tip.style.top = '8px'; tip.hidden = cursor.hidden = false;
  });
  plot.addEventListener('pointerleave', () => { tip.hidden = cursor.hidden = true; });
}
`;
