// Package forwardauth answers the proxies that ask whether a request may reach an application (protocol rule 27).
// It reads the request that a trusted proxy describes, applies the rules of the configuration, and sets the cookies of
// the protected hosts. Package session owns the forward-auth sessions, and package web the page of the sign-in.
package forwardauth
