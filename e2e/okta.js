// Makes calls with Okta's client for Node for a Go test: one JSON object a line asks, {"api", "method", "param"}, and
// one answers it, {"value"} or {"fault"}. Lists are read to their last page.
'use strict';

const readline = require('readline');
const okta = require('@okta/okta-sdk-nodejs');

const { OKTA_URL, OKTA_TOKEN, OKTA_ID, OKTA_KEY, OKTA_SCOPES } = process.env;
const client = new okta.Client(OKTA_ID
  ? { orgUrl: OKTA_URL, authorizationMode: 'PrivateKey', clientId: OKTA_ID, privateKey: OKTA_KEY, scopes: OKTA_SCOPES.split(' '), cacheMiddleware: null }
  : { orgUrl: OKTA_URL, token: OKTA_TOKEN, cacheMiddleware: null });

async function call({ api, method, param }) {
  const value = await client[api][method](param);
  if (!(value instanceof okta.Collection)) {
    return value;
  }
  const all = [];
  await value.each(one => { all.push(one); });
  return all;
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      answer = { value: await call(JSON.parse(line)) };
    } catch (e) {
      answer = { fault: { status: e.status, code: e.errorCode, summary: e.errorSummary, message: String(e.message) } };
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
  }
}

main();
