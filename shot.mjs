import { chromium } from 'playwright-core';
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox','--disable-gpu','--disable-background-networking'] });
const url = process.argv[2];
for (const [name, o] of [['light',{viewport:{width:1280,height:900}}],['dark-phone',{viewport:{width:390,height:844},colorScheme:'dark',deviceScaleFactor:1}],['dark',{viewport:{width:1280,height:900},colorScheme:'dark'}],['phone',{viewport:{width:390,height:844}}]]) {
  const c = await b.newContext(o); const p = await c.newPage();
  p.on('console', m => console.log(name, m.type(), m.text())); p.on('pageerror', e => console.log(name, e));
  await p.goto(url); await p.locator('#headline[data-state=answer]').waitFor({timeout:5000}).catch(e=>console.log(String(e)));
  await p.waitForTimeout(Number(process.argv[3] ?? 300));
  await p.screenshot({ path: `/tmp/w2-shots/${name}.png` });
  if (process.argv[4]) { await p.click('#use-row'); await p.locator('#many-output table').waitFor(); }
  await p.screenshot({ path: `/tmp/w2-shots/${name}-full.png`, fullPage: true });
  await c.close();
}
await b.close();
