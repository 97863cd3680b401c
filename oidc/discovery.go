package oidc

import (
	protocol "github.com/zitadel/oidc/v3/pkg/oidc"

	"barillet/templates"
)

// Metadata is what the discovery document says: exactly what is there (OpenID Connect Discovery 1.0 section 3, RFC
// 8414, RFC 9126, RFC 9207).
type Metadata struct {
	protocol.DiscoveryConfiguration
	PushEndpoint    string   `json:"pushed_authorization_request_endpoint"`
	PushRequired    bool     `json:"require_pushed_authorization_requests"`
	IssuerInAnswers bool     `json:"authorization_response_iss_parameter_supported"`
	Prompts         []string `json:"prompt_values_supported"`
	UILocales       []string `json:"ui_locales_supported"`
	// ClaimsParameter, RequestParameter and RequestURIParameter are said aloud whatever they are: the library leaves
	// out what is false, and the default of the last is true.
	ClaimsParameter     bool `json:"claims_parameter_supported"`
	RequestParameter    bool `json:"request_parameter_supported"`
	RequestURIParameter bool `json:"request_uri_parameter_supported"`
}

// Metadata is the document of this Provider.
func (p *Provider) Metadata() Metadata {
	methods := []protocol.AuthMethod{protocol.AuthMethodBasic, protocol.AuthMethodPost, protocol.AuthMethodPrivateKeyJWT, protocol.AuthMethodNone}
	proving := methods[:3] // whoever asks about a token of somebody proves who they are
	grants := []protocol.GrantType{protocol.GrantTypeCode, protocol.GrantTypeRefreshToken, protocol.GrantTypeDeviceCode}
	if p.ClientCredentials {
		grants = append(grants, protocol.GrantTypeClientCredentials)
	}
	return Metadata{
		DiscoveryConfiguration: protocol.DiscoveryConfiguration{
			Issuer: p.Issuer, AuthorizationEndpoint: p.Issuer + PathAuthorize, TokenEndpoint: p.Issuer + PathToken,
			IntrospectionEndpoint: p.Issuer + PathIntrospect, UserinfoEndpoint: p.Issuer + PathUserinfo,
			RevocationEndpoint: p.Issuer + PathRevoke, EndSessionEndpoint: p.Issuer + PathLogout,
			DeviceAuthorizationEndpoint: p.Issuer + PathDevice, JwksURI: p.Issuer + PathKeys, RegistrationEndpoint: p.Issuer + PathClients,
			ScopesSupported: scopes, ResponseTypesSupported: []string{string(protocol.ResponseTypeCode)},
			ResponseModesSupported: []string{string(protocol.ResponseModeQuery)}, GrantTypesSupported: grants,
			ACRValuesSupported: levels(), SubjectTypesSupported: []string{"public", "pairwise"},
			IDTokenSigningAlgValuesSupported:                   algorithms,
			TokenEndpointAuthMethodsSupported:                  methods,
			TokenEndpointAuthSigningAlgValuesSupported:         assertionAlgs(),
			RevocationEndpointAuthMethodsSupported:             methods,
			RevocationEndpointAuthSigningAlgValuesSupported:    assertionAlgs(),
			IntrospectionEndpointAuthMethodsSupported:          proving,
			IntrospectionEndpointAuthSigningAlgValuesSupported: assertionAlgs(),
			ClaimTypesSupported:                                []string{"normal"},
			ClaimsSupported:                                    append([]string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid", "at_hash"}, claimNames()...),
			CodeChallengeMethodsSupported:                      []protocol.CodeChallengeMethod{protocol.CodeChallengeMethodS256},
			BackChannelLogoutSupported:                         p.Deliver != nil,
			BackChannelLogoutSessionSupported:                  p.Deliver != nil,
		},
		PushEndpoint: p.Issuer + PathPush, IssuerInAnswers: true, Prompts: []string{protocol.PromptNone, protocol.PromptLogin, protocol.PromptConsent},
		ClaimsParameter: true, UILocales: templates.Languages(),
	}
}
