// An application of one user, made of Passport. A test starts it with the file of its recipe: it prints where it listens,
// and shows what Passport made of the user.
'use strict';

const fs = require('fs');
const http = require('http');
const passport = require('passport');
const session = require('express-session');
const OpenIDConnectStrategy = require('passport-openidconnect');

const [port, recipe, secret] = process.argv.slice(2);
new Function('passport', 'OpenIDConnectStrategy', fs.readFileSync(recipe, 'utf8'))(passport, OpenIDConnectStrategy);
const remember = session({ secret, resave: false, saveUninitialized: false });
const signIn = passport.authenticate('openidconnect', { session: false });

http.createServer((request, response) => {
  const show = (id, text) => response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' })
    .end(`<!doctype html><html lang="en"><title>Intranet</title><link rel="icon" href="data:,"><main><p id="${id}">${text}</p></main>`);
  request.query = Object.fromEntries(new URL(request.url, 'http://localhost').searchParams);
  remember(request, response, () => signIn(request, response, (error) => {
    if (error) return show('error', encodeURIComponent(error.message));
    show('known', [request.user.id, request.user.username, request.user.emails[0].value].join(' '));
  }));
}).listen(Number(port), '127.0.0.1');
