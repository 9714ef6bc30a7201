/** The report's style sheet: system fonts only, light or dark as the reader's system says. */
export const STYLE = `
:root{--back:#f6f7f9;--card:#fff;--text:#1b2430;--soft:#5b6675;--line:#dfe4ea;--first:#1f6feb;--second:#b45309;--bad:#c62828;--badback:#fdecea;--good:#17693a;--goodback:#e5f5ea}
@media (prefers-color-scheme:dark){:root{--back:#0f141a;--card:#18202a;--text:#e6ebf2;--soft:#9aa7b6;--line:#2c3744;--first:#6ea8fe;--second:#f0a95b;--bad:#ff7b72;--badback:#3a1d1d;--good:#7ddc9f;--goodback:#16321f}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1080px;margin:0 auto;padding:24px 16px 40px}
h1{font-size:24px;line-height:1.3;margin:0 0 4px;display:flex;flex-wrap:wrap;gap:6px 12px;align-items:center}
h2{font-size:15px;margin:0 0 2px}
header p{margin:0}
code{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.badge{font-size:13px;font-weight:600;padding:2px 10px;border-radius:99px;color:var(--good);background:var(--goodback)}
.badge.alarm{color:var(--bad);background:var(--badback)}
.note{color:var(--soft);font-size:13px;margin:0 0 8px}
.warning{border-left:4px solid var(--second);background:var(--card);padding:8px 12px;margin:12px 0 0;border-radius:4px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:16px 0 12px}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;min-width:0}
.tile dt{color:var(--soft);font-size:13px}
.tile dd{margin:0;font-size:24px;font-weight:650;font-variant-numeric:tabular-nums;line-height:1.3}
.tile small{display:block;font-size:13px;font-weight:400;color:var(--soft)}
.tile.alarm dd{color:var(--bad)}
.grid2{display:grid;grid-template-columns:minmax(0,1fr);gap:12px;align-items:start}
@media (min-width:760px){.grid2{grid-template-columns:repeat(2,minmax(0,1fr))}}
svg{display:block;width:100%;height:auto;font:10.5px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
svg .tick{fill:var(--soft)}
svg .grid{stroke:var(--line);stroke-width:1}
svg .axis{stroke:var(--soft);stroke-width:1}
svg .mark{stroke:var(--text);stroke-width:1;stroke-dasharray:3 3;opacity:.6}
svg .bar{fill:var(--first)}
svg .bad{fill:var(--bad)}
svg polyline{fill:none;stroke-width:2;stroke-linejoin:round}
svg .first{stroke:var(--first)}
svg .second{stroke:var(--second);stroke-dasharray:5 3}
.key{white-space:nowrap;margin-right:10px}
.key::before{content:"";display:inline-block;width:14px;height:0;border-top:3px solid var(--first);margin-right:6px;vertical-align:middle}
.key.second::before{border-top:3px dashed var(--second)}
.key.bad::before{border-color:var(--bad)}
.wide{grid-column:1/-1}
.wide p:not(.note){margin:2px 0 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{text-align:left;padding:4px 12px 4px 0;border-bottom:1px solid var(--line);font-weight:400;overflow-wrap:anywhere}
thead th{color:var(--soft);font-size:13px}
tbody tr:last-child>*{border-bottom:0}
tbody th{color:var(--soft);white-space:nowrap}
footer{margin-top:16px!important}
`;
