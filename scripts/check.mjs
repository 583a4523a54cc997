// `npm run check`: the quick checks of `npm test`, without any test.
process.argv.push('--only', 'checks');
await import('./test.mjs');
