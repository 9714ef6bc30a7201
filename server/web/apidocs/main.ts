import { byId, element } from '../shared/dom.ts';
import { keyedFetch } from '../shared/keyed.ts';
import type { ApiDocument } from './document.ts';
import { operationView } from './operation.ts';
import { prose } from './prose.ts';
import { schemaView } from './schema.ts';

const DOCUMENT = '/openapi.json';

/** The operations of one tag. */
function section(
  api: ApiDocument,
  { name, description }: ApiDocument['tags'][number],
): HTMLElement | undefined {
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { tags }]) => tags.includes(name))
      .map(([method, operation]) => operationView(api, method, path, operation)),
  );
  if (operations.length === 0) return undefined;
  return element(
    'section',
    {},
    element('h2', {}, name),
    element('p', { class: 'faint' }, description),
    ...operations,
  );
}

const schemas = (api: ApiDocument): HTMLElement =>
  element(
    'section',
    {},
    element('h2', {}, 'Schemas'),
    ...Object.entries(api.components.schemas).map(([name, schema]) =>
      element(
        'details',
        { class: 'component', id: `schema-${name}` },
        element('summary', {}, element('code', {}, name)),
        schemaView(schema),
      ),
    ),
  );

/** Opens the operation that the address points at: the target of a link may be inside. */
function openTarget(): void {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!(target instanceof HTMLDetailsElement)) return;
  target.open = true;
  target.scrollIntoView();
  target.querySelector('summary')?.focus({ preventScroll: true });
}

async function show(): Promise<void> {
  const main = byId('main');
  const answer = await keyedFetch(DOCUMENT);
  if (!answer.ok) throw new Error(`${DOCUMENT} was answered ${answer.status}`);
  const api = (await answer.json()) as ApiDocument;
  const { version, description } = api.info;
  main.replaceChildren(
    element('h1', {}, 'API ', element('small', { class: 'faint' }, version)),
    ...description.split('\n\n').map((text) => element('p', {}, ...prose(text))),
    element('p', {}, element('a', { href: DOCUMENT }, 'openapi.json'), ': the document behind this page.'),
  );
  for (const tag of api.tags) main.append(section(api, tag) ?? '');
  main.append(schemas(api));
  window.addEventListener('hashchange', openTarget);
  openTarget();
}

show().catch((error: unknown) => {
  byId('main').replaceChildren(
    element('h1', {}, 'API'),
    element('p', { class: 'bad', role: 'alert' }, error instanceof Error ? error.message : String(error)),
  );
});
