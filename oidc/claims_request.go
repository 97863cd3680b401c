package oidc

import (
	"encoding/json"
	"slices"
	"strings"

	"barillet/oidc/token"
)

// claimsRequest is the claims parameter (OIDC Core §5.5).
type claimsRequest struct {
	Userinfo map[string]*requestedClaim `json:"userinfo"`
	IDToken  map[string]*requestedClaim `json:"id_token"`
}

type requestedClaim struct {
	Essential bool     `json:"essential"`
	Value     any      `json:"value"`
	Values    []string `json:"values"`
}

// parseClaimsRequest reads the parameter. It returns false if the text is not a JSON object of that form.
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

// names returns the requested claims that exist, in a fixed order.
func names(asked map[string]*requestedClaim) []string {
	var out []string
	for _, name := range token.ClaimNames() {
		if _, ok := asked[name]; ok {
			out = append(out, name)
		}
	}
	return out
}

// acrs returns the requested values of acr, and whether one of them is essential.
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

// subject returns the user that the response must be about; "" for any user.
func (w claimsRequest) subject() string {
	if s := w.IDToken["sub"]; s != nil {
		v, _ := s.Value.(string)
		return v
	}
	return ""
}
