package oidc

import (
	"encoding/json"
	"slices"
	"strings"

	"barillet/oidc/token"
)

// claimsRequest is the claims request parameter (OpenID Connect Core section 5.5), as far as it is understood.
type claimsRequest struct {
	Userinfo map[string]*requestedClaim `json:"userinfo"`
	IDToken  map[string]*requestedClaim `json:"id_token"`
}

type requestedClaim struct {
	Essential bool     `json:"essential"`
	Value     any      `json:"value"`
	Values    []string `json:"values"`
}

// parseClaimsRequest reads the parameter; false for what is none.
func parseClaimsRequest(raw string) (claimsRequest, bool) {
	var w claimsRequest
	if raw == "" {
		return w, true
	}
	if !strings.HasPrefix(strings.TrimSpace(raw), "{") {
		return w, false
	}
	return w, json.Unmarshal([]byte(raw), &w) == nil
}

// names are the claims of ours that are asked for, in a fixed order.
func names(asked map[string]*requestedClaim) []string {
	var out []string
	for _, name := range token.ClaimNames() {
		if _, ok := asked[name]; ok {
			out = append(out, name)
		}
	}
	return out
}

// acrs are the values that would do, and whether one of them must be reached.
func (w claimsRequest) acrs() (values []string, essential bool) {
	a := w.IDToken["acr"]
	if a == nil {
		return nil, false
	}
	values = slices.Clone(a.Values)
	if v, ok := a.Value.(string); ok {
		values = append(values, v)
	}
	return values, a.Essential
}

// subject is the subject that an answer must be about; "" for any.
func (w claimsRequest) subject() string {
	if s := w.IDToken["sub"]; s != nil {
		v, _ := s.Value.(string)
		return v
	}
	return ""
}
