import { render } from 'preact';
import { Store } from './store.js';
import { App } from './view/app.js';

const store = new Store();
store.start(new AbortController().signal);
const root = document.getElementById('app');
if (root !== null) render(<App store={store} />, root);
