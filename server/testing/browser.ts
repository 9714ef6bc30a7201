import { existsSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { withDeadline } from './withDeadline.ts';

const CHROMIUM = '/usr/bin/chromium';
const START_MS = 20_000;
/** Limit of every wait for the page: a regression fails with a sentence rather than by the runner's timeout. */
const PAGE_MS = 5000;

/** Why tests in a browser can't run here, or undefined where they can. */
export const chromiumMissing: string | undefined = existsSync(CHROMIUM)
  ? undefined
  : 'skipped, Chromium is missing: apt-get install chromium';

/** A test's title that carries the reason when it is skipped. */
export const needsChromium = (title: string): string =>
  chromiumMissing ? `${title} (${chromiumMissing})` : title;

/** Starts Debian's Chromium, with a profile of its own. The caller closes it. */
export const startBrowser = (): Promise<Browser> =>
  withDeadline(
    'the start of Chromium',
    chromium.launch({
      executablePath: CHROMIUM,
      headless: true,
      timeout: START_MS,
      args: [
        // A root user, as in a container, has no sandbox.
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        // Chromium would call its maker's hosts at each start.
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    }),
    START_MS,
  );

export interface VisitOptions {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
}

/** An open page and its faults. */
export interface Visit {
  readonly page: Page;
  /** Errors of the console and of scripts, violations of the content security policy, requests to another host. */
  readonly faults: string[];
}

/** Opens a page in a fresh context and runs on it. Fails at any fault of the page that `run` didn't take. */
export async function withVisit(
  browser: Browser,
  url: string,
  run: (visit: Visit) => Promise<void>,
  { width = 1280, height = 800, dark = false }: VisitOptions = {},
): Promise<void> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  });
  const faults: string[] = [];
  const { origin } = new URL(url);
  try {
    context.setDefaultTimeout(PAGE_MS);
    const page = await context.newPage();
    // Chromium reports a violation of the policy as an error of the console.
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        faults.push(`${message.type()}: ${message.text()}`);
      }
    });
    page.on('pageerror', (error) => faults.push(`script: ${error.message}`));
    page.on('request', (request) => {
      const target = new URL(request.url());
      if (!['data:', 'blob:'].includes(target.protocol) && target.origin !== origin) {
        faults.push(`request to ${target.origin}`);
      }
    });
    await page.goto(url, { waitUntil: 'load' });
    await run({ page, faults });
  } finally {
    await context.close();
  }
  if (faults.length > 0)
    throw new Error(`faults of the page ${new URL(url).pathname}:\n${faults.join('\n')}`);
}

/** Whether a page is no wider than its window: nothing has to be scrolled sideways. */
export const fitsWidth = (page: Page): Promise<boolean> =>
  page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth');
