// An application of one person, made of openid-client. Tests start it: it says where it listens, hears which client it
// is, and shows what it knows of its person.
import http from "node:http";
import readline from "node:readline";
import * as client from "openid-client";

const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const page = (inner) => `<!doctype html><html lang="en"><title>Planning</title><link rel="icon" href="data:,"><main>${inner}</main>`;

let base, config, begun, bye, known;

const learn = async (tokens, code) => {
  const claims = tokens.claims();
  const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  known = {
    sub: claims.sub, email: info.email, acr: claims.acr, amr: claims.amr.toSorted().join(" "), auth_time: String(claims.auth_time),
    access: tokens.access_token, refresh: tokens.refresh_token, id: tokens.id_token, code,
  };
};

const serve = {
  async "/login"({ searchParams }) {
    begun = { state: client.randomState(), nonce: client.randomNonce(), verifier: client.randomPKCECodeVerifier() };
    const asked = {
      redirect_uri: `${base}/cb`, scope: "openid profile email offline_access", state: begun.state, nonce: begun.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(begun.verifier), code_challenge_method: "S256",
    };
    for (const name of ["acr_values", "max_age"]) {
      if (searchParams.has(name)) asked[name] = searchParams.get(name);
    }
    if (asked.max_age) begun.maxAge = Number(asked.max_age);
    return client.buildAuthorizationUrl(config, asked);
  },
  async "/cb"(url) {
    await learn(await client.authorizationCodeGrant(config, url, {
      expectedState: begun.state, expectedNonce: begun.nonce, pkceCodeVerifier: begun.verifier, maxAge: begun.maxAge, idTokenExpected: true,
    }), url.searchParams.get("code"));
  },
  async "/refresh"() {
    await learn(await client.refreshTokenGrant(config, known.refresh), "");
  },
  async "/out"({ searchParams }) {
    bye = client.randomState();
    const said = { post_logout_redirect_uri: `${base}/bye`, state: bye };
    if (searchParams.has("hint")) said.id_token_hint = known.id;
    return client.buildEndSessionUrl(config, said);
  },
};

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, base);
  const show = (inner) => response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(page(inner));
  if (url.pathname === "/bye") return show(`<p id="bye">${url.searchParams.get("state") === bye}</p>`);
  try {
    const to = await serve[url.pathname](url);
    if (to) return response.writeHead(303, { Location: to.href }).end();
    show(`<pre id="known">${escape(JSON.stringify(known))}</pre>`);
  } catch (error) {
    console.error(error);
    show(`<p id="error">${escape(`${error.error ?? ""} ${error.message}`)}</p>`);
  }
});

server.listen(0, "127.0.0.1", () => {
  base = `http://127.0.0.1:${server.address().port}`;
  console.log(base);
});
readline.createInterface({ input: process.stdin }).once("line", async (line) => {
  const told = JSON.parse(line);
  config = await client.discovery(new URL(told.issuer), told.client, undefined, client.ClientSecretBasic(told.secret), {
    execute: [client.allowInsecureRequests],
  });
  console.log("ready");
});
