// A cluster's network on one machine: a network namespace for each pod, each with an address of its own, on one bridge. Itself in a
// namespace (tests/chart/run sees to that), so nothing of the machine's own network is touched, and everything ends with this process.
import { execFileSync } from 'node:child_process';

const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
const bridge = 'cluster';

export class cluster {
  last = 1;
  pods = new Set();
  address = '10.70.0.1';   // of the node, where this test is

  constructor() {
    if (JSON.parse(ip('-json', 'link')).some(link => link.ifname !== 'lo')) throw new Error('this is the network of the machine: start it by tests/chart/run');
    ip('link', 'set', 'lo', 'up');
    ip('link', 'add', 'name', bridge, 'type', 'bridge');
    ip('address', 'add', `${this.address}/24`, 'dev', bridge);
    ip('link', 'set', bridge, 'up');
  }

  // A pod's place: its address, and the words before a command that is to run in it.
  pod(name) {
    const address = `10.70.0.${++this.last}`;
    ip('netns', 'add', name);
    ip('link', 'add', 'name', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('link', 'set', name, 'master', bridge);
    ip('link', 'set', name, 'up');
    ip('-netns', name, 'link', 'set', 'lo', 'up');
    ip('-netns', name, 'address', 'add', `${address}/24`, 'dev', 'eth0');
    ip('-netns', name, 'link', 'set', 'eth0', 'up');
    this.pods.add(name);
    return { address, inside: ['ip', 'netns', 'exec', name], gone: () => this.remove(name) };
  }

  remove(name) {
    if (!this.pods.delete(name)) return;
    ip('link', 'delete', name);
    ip('netns', 'delete', name);
  }

  end() {
    for (const name of this.pods) this.remove(name);
    ip('link', 'delete', bridge);
  }
}
