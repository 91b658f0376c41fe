// page.mjs BIN: the operator's page in a real browser, served by a real gateway: what it shows, what it asks for, its contrast, its keys.
import assert from 'node:assert/strict';
import { Browser, installed } from '../support/browser.mjs';
import { World, eventually, later } from '../support/world.mjs';

const skipped = 77; // what CTest is told
if (!installed) {
  console.log('chromium is not installed (Debian: chromium), so nobody looks at the page');
  process.exit(skipped);
}

// On the page: texts whose contrast is less than WCAG 2.1 demands (1.4.3 AA: 4.5, large ones 3), as "ratio: text".
const faint = () => {
  const numbers = color => color.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const c = numbers(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] === 1) return c;
      if (c[3] !== 0) throw new Error(`a background is half transparent: ${e.className}`);
    }
    return [255, 255, 255];
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const element = node.parentElement, style = getComputedStyle(element);
    if (!node.data.trim() || ['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(element.tagName) || element.closest('.skip') || style.display === 'none') continue;
    const [a, b] = [luminance(numbers(style.color)), luminance(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)}: ${node.data.trim()}`);
  }
  return found;
};
const words = 'document.body.innerText';
const drawn = 'document.documentElement.dataset.drawn';

async function shows_what_the_status_says(world, browser) {
  await browser.until(`document.querySelector('.word')?.textContent === 'Limited'`);
  const status = await world.status();
  await browser.until(`${drawn} >= '${status.at}'`);
  const shown = await browser.value(words);
  for (const account of status.accounts) {
    assert.ok(shown.includes(account.name));
    for (const w of account.windows) assert.ok(shown.includes(w.name), w.name);
  }
  assert.match(shown, /0 of 2/);
  assert.match(shown, /2[67] of 30/);
  assert.match(shown, /in \d+ s, \d\d:\d\d:\d\d/);
  assert.match(shown, /1 of 100 wait, oldest \d+ s/);
  assert.match(shown, /1 waits for a permit, the oldest for \d+ s/);
  assert.match(shown, /usable for 9 h \d+ min \(no. 1\)/);
  const slots = status.accounts[1].slots.held;
  assert.equal(slots.filter(slot => slot.session !== null && shown.includes(slot.session)).length, 2);
  for (const caller of ['customer-portal', 'field-tools']) assert.ok(shown.includes(caller));
  assert.match(shown, /rate-limited 429 by window/);
  assert.ok(shown.includes(status.problems[0].request_id));
  assert.match(shown, /OnboardingGatewayQueueOld/);
  assert.ok(shown.includes(status.process.config_hash) && shown.includes(status.process.version));
  assert.match(await browser.value(`document.getElementById('spoken').textContent`), /^Limited\. Account sandbox: /);
  assert.match(await browser.value('document.title'), /^Limited/);
  // Charts have a line, and say in words what it shows.
  assert.equal(await browser.value(`document.querySelectorAll('svg[role=img] .line[d]').length`), 4);
  assert.match(await browser.value(`[...document.querySelectorAll('svg[role=img]')].pop().getAttribute('aria-label')`), /^waiting, 5 min: now \d+, at most \d+/);
  assert.equal(await browser.value(`[...document.querySelectorAll('[role=meter]')].filter(m => m.getAttribute('aria-valuenow') === '0').length`), 1);
}

// A refused configuration stands in the banner, the list and the title until a good one is read.
async function shows_a_refused_configuration(world, browser) {
  await world.reload(text => text.replace('threads: 2', 'threads: 3'), 'the one before stays in force');
  await browser.until(`document.querySelector('.word')?.textContent === 'Limited'`);
  const shown = await browser.value(words);
  assert.match(shown, /the last new configuration was refused, the one before stays in force: .*threads/);
  assert.match(shown, /OnboardingGatewayReloadFailed/);
  assert.match(await browser.value('document.title'), /^Limited/);
  await has_contrast(browser);
  await fits(browser);
  await world.reload(text => text.replace('threads: 3', 'threads: 2').replace('drain: { delay: 0s, timeout: 1s }', 'drain: { delay: 0s, timeout: 1500ms }'), 'configuration reloaded');
  await browser.until(`document.querySelector('.word')?.textContent === 'Calm'`);
  assert.doesNotMatch(await browser.value(words), /configuration was refused/);
}

// Users, keys and links are nobody's business here.
function hides(world, page) {
  for (const text of [page, JSON.stringify(world.seen)]) assert.doesNotMatch(text, /my-customerportal|onboarding_session_id|example-(key|secret)|Bearer/);
  for (const user of world.users) assert.ok(!page.includes(user), 'no user shows');
}

async function refreshes_in_place(browser) {
  await browser.value(`document.querySelectorAll('.card, .window, .facts dd, .banner, table').forEach(e => { e.marked = true; })`);
  const before = await browser.value(drawn);
  await browser.until(`${drawn} > '${before}'`);
  assert.equal(await browser.value(`[...document.querySelectorAll('.card, .banner, table')].every(e => e.marked)`), true, 'what stands there is changed, not made anew');
}

async function has_contrast(browser) {
  for (const dark of [false, true]) {
    await browser.scheme(dark);
    await later(500); // colours may be in transition
    assert.deepEqual(await browser.value(faint), [], dark ? 'dark' : 'light');
    // The check itself can fail.
    await browser.value(`document.querySelector('footer').append(Object.assign(document.createElement('p'), { id: 'bad', textContent: 'faint' })); document.getElementById('bad').style.color = '${dark ? '#444' : '#aaa'}'`);
    assert.equal((await browser.value(faint)).length, 1);
    await browser.value(`document.getElementById('bad').remove()`);
  }
  await browser.scheme(false);
}

async function is_operable_by_keys(browser) {
  const focus = `(e => e === document.body ? 'body' : e.id || e.getAttribute('href'))(document.activeElement)`;
  await browser.value('document.activeElement.blur()');
  const order = [];
  for (let i = 0; i < 6; ++i) {
    await browser.key('Tab');
    order.push(await browser.value(focus));
    assert.notEqual(await browser.value(`getComputedStyle(document.activeElement).outlineStyle`), 'none', 'one sees where the focus is');
    if (order.at(-1) !== 'hold') continue;
    // Held, nothing changes; then it goes on.
    await browser.key('Enter');
    assert.equal(await browser.value(`document.getElementById('hold').getAttribute('aria-pressed')`), 'true');
    const held = await browser.value(drawn);
    await later(2600);
    assert.equal(await browser.value(drawn), held);
    await browser.key(' ', 'Space');
    assert.equal(await browser.value(`document.getElementById('hold').getAttribute('aria-pressed')`), 'false');
    await browser.until(`${drawn} > '${held}'`);
  }
  assert.deepEqual(order, ['#accounts', 'hold', '/status', '/metrics', '/config', '/readyz?verbose']);
}

async function fits(browser) {
  for (const width of [1200, 768, 360]) {
    await browser.resize(width, 800);
    assert.ok(await browser.value('document.documentElement.scrollWidth') <= width, `nothing sticks out at ${width}`);
  }
  await browser.resize(1200, 900);
}

async function asks_nobody_else(world, browser) {
  const elsewhere = browser.requests().filter(url => !url.startsWith(world.admin + '/') && url !== 'data:,');
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(browser.complaints(), []);
  // Nor could it: the policy stands in the way.
  const tried = await browser.value(`fetch('http://127.0.0.1:1/').then(() => 'came through', error => error.message)`);
  assert.match(tried, /Failed to fetch/);
  assert.ok(browser.complaints().some(text => /Content Security Policy/.test(text)));
}

async function says_when_it_knows_nothing(world, browser) {
  await world.gateway.stop('SIGKILL');
  await browser.until(`document.querySelector('.word').textContent === 'Outage' && /does not answer/.test(${words})`);
  assert.match(await browser.value(`document.getElementById('spoken').textContent`), /does not answer/);
}

const world = await World.start(process.argv[2]);
const browser = await Browser.start({ width: 1200, height: 900 });
try {
  await world.calm();
  await browser.open(world.admin + '/');
  await browser.until(`document.querySelector('.word')?.textContent === 'Calm'`);
  assert.match(await browser.value(words), /Everything is served/);
  await shows_a_refused_configuration(world, browser);
  await world.limited();
  await shows_what_the_status_says(world, browser);
  hides(world, await browser.value('document.body.outerHTML'));
  await refreshes_in_place(browser);
  await has_contrast(browser);
  await is_operable_by_keys(browser);
  await fits(browser);
  await world.outage();
  await browser.until(`document.querySelector('.word').textContent === 'Outage'`);
  await eventually('both accounts are in outage', () => browser.value(`document.querySelectorAll('.card .pill.outage').length === 2`));
  await has_contrast(browser);
  await asks_nobody_else(world, browser);
  await says_when_it_knows_nothing(world, browser);
  console.log('the page is as it should be');
} finally {
  await browser.stop();
  await world.stop();
}
process.exit(0);
