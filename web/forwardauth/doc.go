// Package gate owns forward-auth: what a proxy asks before it lets a request through to an application (PROTOCOL 27).
// It reads what trusted proxies say of a request, judges it by the rules of the configuration, and hands out the gate
// cookies of protected hosts. Who is signed in is for authn to know, and the pages of the sign-in are web's.
package forwardauth
