import { byId, element } from '../shared/dom.ts';
import { part } from './dom.ts';
import type { Call } from './snippets.ts';
import { SNIPPETS } from './snippets.ts';

/** How long the button shows "Copied". */
const COPIED_MS = 2000;

/** Copies by selection, for browsers that allow the clipboard in secure origins only. */
function copyBySelection(shown: HTMLElement): boolean {
  getSelection()?.selectAllChildren(shown);
  // Deprecated, but nothing else works over plain HTTP.
  return document.execCommand('copy');
}

/** Shows the current request as code. Returns the function that updates it. */
export function createCopyAs(): (call: Call) => void {
  const [code, copy, choice] = [byId('snippet'), part('copy', HTMLButtonElement), byId('languages')];
  let call: Call | undefined;
  let write = SNIPPETS[0]?.[1];
  const show = (): void => {
    code.textContent = call && write ? write(call) : '';
  };
  SNIPPETS.forEach(([name, writeThis], index) => {
    const radio = element('input', { type: 'radio', name: 'language', value: name, checked: index === 0 });
    radio.addEventListener('change', () => {
      write = writeThis;
      show();
    });
    choice.append(element('label', {}, radio, element('span', {}, name)));
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const copyNow = async (): Promise<void> => {
    const copied = window.isSecureContext
      ? await navigator.clipboard.writeText(code.textContent).then(
          () => true,
          () => copyBySelection(code),
        )
      : copyBySelection(code);
    copy.textContent = copied ? 'Copied' : 'Select and copy';
    clearTimeout(timer);
    timer = setTimeout(() => (copy.textContent = 'Copy'), COPIED_MS);
  };
  copy.addEventListener('click', () => void copyNow());
  return (next) => {
    call = next;
    show();
  };
}
