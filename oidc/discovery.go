package oidc

import (
	"barillet/oidc/client"
	"barillet/oidc/keys"
	"barillet/oidc/token"
)

// Metadata is the discovery document (OIDC Discovery §3, RFC 8414, RFC 9126, RFC 9207). It names exactly what exists.
type Metadata struct {
	Issuer                  string   `json:"issuer"`
	Authorization           string   `json:"authorization_endpoint"`
	Token                   string   `json:"token_endpoint"`
	Userinfo                string   `json:"userinfo_endpoint"`
	Introspection           string   `json:"introspection_endpoint"`
	Revocation              string   `json:"revocation_endpoint"`
	PushedAuthorization     string   `json:"pushed_authorization_request_endpoint"`
	DeviceAuthorization     string   `json:"device_authorization_endpoint"`
	EndSession              string   `json:"end_session_endpoint"`
	Registration            string   `json:"registration_endpoint"`
	Keys                    string   `json:"jwks_uri"`
	Scopes                  []string `json:"scopes_supported"`
	ResponseTypes           []string `json:"response_types_supported"`
	ResponseModes           []string `json:"response_modes_supported"`
	GrantTypes              []string `json:"grant_types_supported"`
	SubjectTypes            []string `json:"subject_types_supported"`
	ACRValues               []string `json:"acr_values_supported"`
	IDTokenAlgs             []string `json:"id_token_signing_alg_values_supported"`
	TokenAuth               []string `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgs           []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevocationAuth          []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAuthAlgs      []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuth       []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionAuthAlgs   []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	ClaimTypes              []string `json:"claim_types_supported"`
	Claims                  []string `json:"claims_supported"`
	ChallengeMethods        []string `json:"code_challenge_methods_supported"`
	Prompts                 []string `json:"prompt_values_supported"`
	UILocales               []string `json:"ui_locales_supported"`
	ClaimsParameter         bool     `json:"claims_parameter_supported"`
	RequestParameter        bool     `json:"request_parameter_supported"`
	RequestURIParameter     bool     `json:"request_uri_parameter_supported"` // without it the default is true
	PushRequired            bool     `json:"require_pushed_authorization_requests"`
	IssuerInResponses       bool     `json:"authorization_response_iss_parameter_supported"`
	BackChannelLogout       bool     `json:"backchannel_logout_supported,omitempty"`
	BackChannelLogoutWithID bool     `json:"backchannel_logout_session_supported,omitempty"`
}

// grantTypes returns the grants of the token endpoint.
func (p *Provider) grantTypes() []string {
	grants := []string{client.GrantCode, client.GrantRefresh, client.GrantDevice}
	if p.ClientCredentials {
		grants = append(grants, client.GrantClientCredentials)
	}
	return grants
}

// Metadata returns the discovery document.
func (p *Provider) Metadata() Metadata {
	methods := []string{client.AuthBasic, client.AuthPost, client.AuthJWT, client.AuthNone}
	proving := methods[:3] // introspection requires authentication
	return Metadata{
		Issuer: p.Issuer, Authorization: p.Issuer + PathAuthorize, Token: p.Issuer + PathToken, Userinfo: p.Issuer + PathUserinfo,
		Introspection: p.Issuer + PathIntrospect, Revocation: p.Issuer + PathRevoke, PushedAuthorization: p.Issuer + PathPush,
		DeviceAuthorization: p.Issuer + PathDevice, EndSession: p.Issuer + PathLogout, Registration: p.Issuer + PathClients, Keys: p.Issuer + PathKeys,
		Scopes: client.Scopes, ResponseTypes: []string{"code"}, ResponseModes: []string{"query"}, GrantTypes: p.grantTypes(),
		SubjectTypes: []string{"public", "pairwise"}, ACRValues: client.Levels(), IDTokenAlgs: keys.Algorithms,
		TokenAuth: methods, TokenAuthAlgs: client.AssertionAlgs(), RevocationAuth: methods, RevocationAuthAlgs: client.AssertionAlgs(),
		IntrospectionAuth: proving, IntrospectionAuthAlgs: client.AssertionAlgs(),
		ClaimTypes: []string{"normal"}, ChallengeMethods: []string{"S256"},
		Claims:  append([]string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid", "at_hash"}, token.ClaimNames()...),
		Prompts: []string{promptNone, promptLogin, promptConsent}, UILocales: p.Accounts.Policy.Locales,
		ClaimsParameter: true, IssuerInResponses: true, BackChannelLogout: p.Deliver != nil, BackChannelLogoutWithID: p.Deliver != nil,
	}
}
