import { element } from './dom.ts';

const UNAUTHORIZED = 401;
/** The key is kept for this tab only. */
const STORED = 'servemodel-key';

const readKey = (): string | null => sessionStorage.getItem(STORED);

function withKey(init: RequestInit, key: string | null): RequestInit {
  if (key === null) return init;
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${key}`);
  return { ...init, headers };
}

/** Prompts for a key; false if the user gives none. */
function promptForKey(): Promise<boolean> {
  const field = element('input', {
    id: 'access-key',
    type: 'password',
    required: true,
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const form = element(
    'form',
    { class: 'access' },
    element('p', {}, element('label', { for: 'access-key' }, 'This server asks for a key.')),
    field,
    element(
      'p',
      {},
      element('button', { type: 'submit', class: 'primary' }, 'Use key'),
      ' ',
      element('button', { type: 'button', class: 'quiet', id: 'access-cancel' }, 'Cancel'),
    ),
  );
  const dialog = element('dialog', { 'aria-label': 'Key' }, form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    let given = false;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      sessionStorage.setItem(STORED, field.value.trim());
      given = true;
      dialog.close();
    });
    form.querySelector('#access-cancel')?.addEventListener('click', () => dialog.close());
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(given);
    });
    dialog.showModal();
  });
}

/** The open prompt: there is one at a time. */
let prompting: Promise<boolean> | undefined;

/** `fetch` with the user's key. Prompts for one when the server refuses the request without it, or refuses this one. */
export async function keyedFetch(path: string, init: RequestInit = {}): Promise<Response> {
  for (;;) {
    const key = readKey();
    const response = await fetch(path, withKey(init, key));
    if (response.status !== UNAUTHORIZED) return response;
    // The user gave another key meanwhile: try that.
    if (readKey() !== key) continue;
    prompting ??= promptForKey().finally(() => (prompting = undefined));
    if (!(await prompting)) return response;
  }
}

/** `fetch` with the key, if there is one. For background requests, which must not prompt. */
export const quietFetch = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(path, withKey(init, readKey()));
