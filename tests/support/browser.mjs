// A headless Chromium, spoken to over a pipe in the DevTools protocol (so no port is open and no library is needed): Debian's packages
// chromium and nodejs are enough.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const patience = 20000;
const later = ms => new Promise(done => setTimeout(done, ms));

// Where Debian puts it; its wrapper script reads settings that a test does not want.
export const program = ['/usr/lib/chromium/chromium', '/usr/bin/chromium'].find(existsSync);
export const installed = program !== undefined;

export class Browser {
  #process; #folder; #number = 0; #waiting = new Map(); #rest = ''; #ended;
  events = [];
  #session;

  // `width` and `height` of the window, in CSS pixels; `dark`: the colour scheme that the page is told.
  static async start({ width = 1280, height = 900, dark = false } = {}) {
    const browser = new Browser();
    await browser.#begin(width, height, dark);
    return browser;
  }

  async #begin(width, height, dark) {
    this.#folder = mkdtempSync(join(tmpdir(), 'gateway-page.'));
    this.#process = spawn(program, ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--no-proxy-server',
      '--disable-extensions', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--hide-scrollbars',
      `--user-data-dir=${this.#folder}`, '--remote-debugging-pipe', 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.#ended = new Promise(done => this.#process.once('exit', done));
    this.#process.stdio[3].on('error', () => {});
    this.#process.stdio[4].setEncoding('utf8').on('data', text => this.#read(text));
    const { targetInfos } = await this.send('Target.getTargets');
    const page = targetInfos.find(target => target.type === 'page');
    const { sessionId } = await this.send('Target.attachToTarget', { targetId: page.targetId, flatten: true });
    this.#session = sessionId;
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await this.send(`${domain}.enable`);
    await this.resize(width, height);
    await this.scheme(dark);
  }

  #read(text) {
    const messages = (this.#rest + text).split('\0');
    this.#rest = messages.pop();
    for (const message of messages.map(m => JSON.parse(m))) {
      if (message.id === undefined) { this.events.push(message); continue; }
      const { done, failed, method } = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error) failed(new Error(`${method}: ${message.error.message}`)); else done(message.result);
    }
  }

  send(method, params = {}) {
    const id = ++this.#number;
    const answer = new Promise((done, failed) => this.#waiting.set(id, { done, failed, method }));
    this.#process.stdio[3].write(JSON.stringify({ id, method, params, sessionId: this.#session }) + '\0');
    const late = later(patience).then(() => { if (this.#waiting.has(id)) throw new Error(`${method}: no answer in ${patience} ms`); });
    return Promise.race([answer, late.then(() => answer)]);
  }

  resize(width, height) { return this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 }); }
  scheme(dark) { return this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] }); }
  // From now on pages whose certificates nobody vouches for are shown, too: the simulator's, say.
  trust_everybody() { return this.send('Security.setIgnoreCertificateErrors', { ignore: true }); }
  open(url) { return this.send('Page.navigate', { url }); }

  // The value of an expression on the page; a function's text is called.
  async value(expression) {
    const text = typeof expression === 'function' ? `(${expression})()` : expression;
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression: text, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description || exceptionDetails.text);
    return result.value;
  }
  async until(expression, what = expression) {
    // A page that is just being left answers nothing: it is asked again where it leads.
    const here = () => this.value(expression).catch(fault => { if (!/navigated|context was destroyed/.test(fault.message)) throw fault; });
    for (const end = Date.now() + patience; Date.now() < end; await later(100)) if (await here()) return;
    throw new Error(`not so in ${patience} ms: ${what}`);
  }
  async key(key, code = key) {
    const text = key === 'Enter' ? '\r' : key === ' ' ? ' ' : undefined;
    await this.send('Input.dispatchKeyEvent', { type: text ? 'keyDown' : 'rawKeyDown', key, code, text, windowsVirtualKeyCode: key === 'Tab' ? 9 : key === 'Enter' ? 13 : 32 });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code });
  }
  // The whole page, as PNG.
  async picture(most = 4000) {
    const height = Math.min(most, Math.ceil(await this.value('document.documentElement.scrollHeight')));
    const width = await this.value('innerWidth');
    const { data } = await this.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true, clip: { x: 0, y: 0, width, height, scale: 1 } });
    return Buffer.from(data, 'base64');
  }

  // What the page complained of, and what it asked for.
  complaints() {
    return this.events.flatMap(({ method, params }) =>
      method === 'Runtime.exceptionThrown' ? [params.exceptionDetails.exception?.description || params.exceptionDetails.text]
        : method === 'Log.entryAdded' && ['error', 'warning'].includes(params.entry.level) ? [params.entry.text]
          : method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(params.type) ? [JSON.stringify(params.args)] : []);
  }
  requests() { return this.events.filter(e => e.method === 'Network.requestWillBeSent').map(e => e.params.request.url); }

  async stop() {
    this.send('Browser.close').catch(() => {});
    await Promise.race([this.#ended, later(5000).then(() => this.#process.kill('SIGKILL'))]);
    await this.#ended;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
