package e2e_test

import (
	"encoding/base64"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
)

// Key is a virtual security key in a browser: USB, CTAP2, without resident
// credentials, as a YubiKey that follows a password is used. Its AAGUID is
// always 01020304-0506-0708-0102-030405060708.
type Key struct {
	browser *Browser
	id      webauthn.AuthenticatorID
}

// Plug puts an empty security key into the browser. It is touched by itself
// at once; Touch changes that.
func (b *Browser) Plug() *Key {
	b.tb.Helper()
	call(b, webauthn.Enable, webauthn.EnableParams{})
	added := call(b, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol:                    webauthn.AuthenticatorProtocolCtap2,
			Transport:                   webauthn.AuthenticatorTransportUsb,
			AutomaticPresenceSimulation: true,
		},
	})
	return &Key{browser: b, id: added.AuthenticatorID}
}

// Unplug takes the key out, with all that it holds.
func (k *Key) Unplug() {
	k.browser.tb.Helper()
	call(k.browser, webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: k.id})
}

// Touch says whether the person touches the key when it blinks.
func (k *Key) Touch(touched bool) {
	k.browser.tb.Helper()
	call(k.browser, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: k.id, Enabled: touched})
}

// Credentials are what the key holds, with their private keys.
func (k *Key) Credentials() []*webauthn.Credential {
	k.browser.tb.Helper()
	return call(k.browser, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: k.id}).Credentials
}

// Forget removes one credential from the key.
func (k *Key) Forget(id []byte) {
	k.browser.tb.Helper()
	call(k.browser, webauthn.RemoveCredential, webauthn.RemoveCredentialParams{AuthenticatorID: k.id, CredentialID: id})
}

// Keep puts a credential into the key: the same YubiKey in another browser,
// or, with another counter, a clone of it.
func (k *Key) Keep(c *webauthn.Credential) {
	k.browser.tb.Helper()
	// The generated command sends a member that Chromium 156 refuses.
	command := cdp.Command[map[string]any, cdp.Empty]{Method: "WebAuthn.addCredential"}
	credential := map[string]any{
		"credentialId":         base64.StdEncoding.EncodeToString(c.CredentialID),
		"isResidentCredential": c.IsResidentCredential,
		"rpId":                 c.RpID,
		"privateKey":           base64.StdEncoding.EncodeToString(c.PrivateKey),
		"signCount":            int64(c.SignCount),
	}
	if len(c.UserHandle) > 0 {
		credential["userHandle"] = base64.StdEncoding.EncodeToString(c.UserHandle)
	}
	call(k.browser, command, map[string]any{"authenticatorId": string(k.id), "credential": credential})
}

// Carry puts everything that this key holds into a key plugged into another
// browser.
func (k *Key) Carry(to *Browser) *Key {
	k.browser.tb.Helper()
	moved := to.Plug()
	for _, credential := range k.Credentials() {
		if credential.RpID == "" {
			credential.RpID = "localhost"
		}
		moved.Keep(credential)
	}
	return moved
}
