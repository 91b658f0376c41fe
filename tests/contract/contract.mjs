// The contract as something that answers are held against.
import Ajv2020 from 'ajv/dist/2020.js';
import add_formats from 'ajv-formats';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
export const folder = join(here, '../../proto-free-api');
const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

// Handed on with every member that they have.
const open_ended = new Set(['session.json', 'user.json', 'heat-pump.json', 'session-request.json', 'user-request.json']);

// Every other object whose members are listed may have no more here, although callers must expect them of later versions.
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== 'object') return schema;
  const out = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, name === 'enum' || name === 'const' || name === 'examples' ? value : closed(value)]));
  if (out.properties && typeof out.properties === 'object' && typeof schema.additionalProperties !== 'object') out.additionalProperties = false;
  return out;
}

// Of any path (the document's description says so).
const options = { headers: { 'X-Request-Id': { required: true, schema: { type: 'string' } }, Allow: { required: true, schema: { type: 'string', pattern: '^[A-Z]+(, [A-Z]+)*$' } } } };

// HTTP's own, which no document lists.
const of_http = new Set(['content-type', 'content-length', 'transfer-encoding', 'connection', 'keep-alive', 'date']);

export class Contract {
  seen = new Map(); // "operation status" -> how often

  constructor(text = readFileSync(join(folder, 'openapi.yaml'), 'utf8')) {
    this.document = parse(text);
    this.ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true });
    add_formats(this.ajv);
    for (const keyword of ['example']) this.ajv.addKeyword(keyword);
    for (const file of readdirSync(join(folder, 'schemas'))) {
      const schema = JSON.parse(readFileSync(join(folder, 'schemas', file), 'utf8'));
      this.ajv.addSchema({ ...(open_ended.has(file) ? schema : closed(schema)), $id: `contract:/schemas/${file}` });
    }
    this.ajv.addSchema({ $id: 'contract:/openapi.yaml', ...{ components: closed({ schemas: this.document.components.schemas }) } });
    this.compiled = new Map();
    this.operations = [];
    this.responses = new Map(); // status -> what is answered with it, whatever the operation
    for (const [path, item] of Object.entries(this.document.paths)) {
      for (const method of methods.filter(name => item[name])) {
        const patterns = [path, item[method]['x-also-at']].filter(Boolean).map(one => new RegExp(`^${one.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`));
        for (const [status, { $ref }] of Object.entries(item[method].responses)) if ($ref) this.responses.set(Number(status), this.find({ $ref }));
        this.operations.push({ path, patterns, method: method.toUpperCase(), id: item[method].operationId, responses: item[method].responses, what: item[method], parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map(one => this.find(one)) });
      }
    }
  }

  find(value) {
    if (value?.$ref === undefined) return value;
    return value.$ref.slice(2).split('/').reduce((at, name) => at[name], this.document);
  }

  // Of schemas as they stand in the document; references are to files beside it or into it.
  validator(schema) {
    const key = JSON.stringify(schema);
    if (!this.compiled.has(key)) {
      const rebased = JSON.parse(key, (name, value) => name === '$ref' ? (value.startsWith('#') ? `contract:/openapi.yaml${value}` : `contract:/${value.replace(/^\.\//, '')}`) : value);
      this.compiled.set(key, this.ajv.compile(closed(rebased)));
    }
    return this.compiled.get(key);
  }
  faults(schema, value) {
    const is_so = this.validator(schema);
    return is_so(value) ? [] : is_so.errors.map(one => `${one.instancePath || '/'} ${one.message} ${one.params.additionalProperty ?? one.params.unevaluatedProperty ?? ''}`.trim());
  }

  // The operations on that path: with that method where there is one; else `other` is true.
  at(method, target) {
    if (target === undefined) return { operations: [], other: false };
    const path = target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '').replace(/%(2[DdEe]|3\d|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    const here = this.operations.filter(one => one.patterns.some(pattern => pattern.test(path)));
    const named = here.filter(one => one.method === (method === 'HEAD' ? 'GET' : method));
    return named.length ? { operations: named.slice(0, 1), other: false } : { operations: here, other: true };
  }

  // What is wrong with an answer {method, target, status, fields, body} by the contract; counts what was seen.
  check(exchange) {
    const { method, target, status } = exchange;
    const { operations, other } = this.at(method, target);
    // A path, a method or a request that is in no operation has one of the answers that the document describes for all of them.
    if (other && method === 'OPTIONS' && status === 204) return this.check_response(options, exchange);
    if (operations.length === 0) {
      const general = status >= 400 && this.responses.get(status);
      return general ? this.check_response(general, exchange) : [`no operation, and a status that is not for such: ${status}`];
    }
    const faults = [];
    for (const one of operations) {
      const response = one.responses[status];
      if (response === undefined) { faults.push(`${one.id} has no ${status}`); continue; }
      if (other && status < 400) { faults.push(`${method} is in no operation, and answered ${status}`); continue; }
      this.seen.set(`${one.id} ${status}`, (this.seen.get(`${one.id} ${status}`) ?? 0) + 1);
      faults.push(...this.check_response(this.find(response), exchange));
    }
    return faults;
  }

  check_response(response, { method, status, fields, body }) {
    const faults = [];
    const documented = Object.entries(response.headers ?? {}).map(([name, header]) => [name, this.find(header)]);
    const names = new Set(documented.map(([name]) => name.toLowerCase()));
    for (const [name] of fields) if (!of_http.has(name) && !names.has(name)) faults.push(`undocumented header ${name}`);
    for (const [name, header] of documented) {
      const values = fields.filter(one => one[0] === name.toLowerCase()).map(one => one[1]);
      if (values.length > 1) faults.push(`${name} comes ${values.length} times`);
      if (values.length === 0 && header.required) faults.push(`no ${name}`);
      for (const text of values) {
        const value = header.schema.type === 'integer' ? (/^\d+$/.test(text) ? Number(text) : text) : text;
        faults.push(...this.faults(header.schema, value).map(fault => `${name}: ${text}: ${fault}`));
      }
    }
    const [type] = fields.filter(one => one[0] === 'content-type').map(one => one[1]);
    if (!response.content) {
      if (body !== '') faults.push('a body where there is none');
      if (type !== undefined) faults.push(`Content-Type ${type} without a body`);
      return faults;
    }
    const media = response.content[type?.split(';')[0].trim().toLowerCase()];
    if (!media) return [...faults, `undocumented media type ${type}`];
    if (method === 'HEAD') return faults;
    const texts = /ndjson/.test(type) ? body.split('\n').slice(0, -1) : [body];
    if (/ndjson/.test(type) && !body.endsWith('\n')) faults.push('the last line has no end');
    for (const text of texts) {
      const value = /json/.test(type) ? parsed(text) : text;
      if (value === undefined) { faults.push(`no JSON: ${text.slice(0, 80)}`); continue; }
      faults.push(...this.faults(media.schema, value));
      if (/problem/.test(type)) {
        if (value.status !== status) faults.push(`the problem says status ${value.status}`);
        if (!response['x-problems'].includes(String(value.type).replace('/problems/', ''))) faults.push(`${value.type} does not go with ${status}`);
      }
    }
    return faults;
  }

  // "operation status" of all that is documented and was never seen.
  unseen() {
    return this.operations.flatMap(one => Object.keys(one.responses).map(status => `${one.id} ${status}`)).filter(name => !this.seen.has(name));
  }
}

// Bodies come as bytes.
function parsed(bytes) {
  try { return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(bytes, 'latin1'))); } catch { return undefined; }
}
