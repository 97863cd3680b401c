package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"barillet/internal/errcode"
	"barillet/web/reply"
)

// blamed judges the names in a refusal: each is a member or a parameter of the request as it is described, so that a
// program knows what of its request is meant. A member that nobody knows is named as it came.
func (c *contract) blamed(operation string, body []byte) error {
	var doc reply.Document
	if err := json.Unmarshal(body, &doc); err != nil {
		return err
	}
	switch doc.Type {
	case "/problems/" + reply.KindUnknown:
		return nil
	case "/problems/" + string(errcode.Forbidden):
		if doc.Detail == doc.Title || doc.ErrorSummary == doc.Title {
			return fmt.Errorf("it forbids without a reason: %s", body)
		}
	}
	op, _ := c.at(operation)
	parameters, _ := op.(map[string]any)["parameters"].([]any)
	schema, _ := c.at(operation + "/requestBody/content/application~1json/schema")
	for _, cause := range doc.ErrorCauses {
		name, _, _ := strings.Cut(cause.ErrorSummary, ": ")
		isParameter := slices.ContainsFunc(parameters, func(p any) bool { return c.follow(p)["name"] == name })
		if !isParameter && !c.has(schema, strings.Split(name, ".")) {
			return fmt.Errorf("it blames %q, which the request does not have", name)
		}
	}
	return nil
}

// follow is a part of the document, through its reference.
func (c *contract) follow(part any) map[string]any {
	members, _ := part.(map[string]any)
	if target, ok := members["$ref"].(string); ok {
		found, _ := c.at(target)
		members, _ = found.(map[string]any)
	}
	return members
}

// has tells whether a schema knows a member, by the names that lead to it.
func (c *contract) has(schema any, names []string) bool {
	s := c.follow(schema)
	if len(names) == 0 || s == nil {
		return s != nil
	}
	choices, _ := s["anyOf"].([]any)
	if slices.ContainsFunc(choices, func(one any) bool { return c.has(one, names) }) {
		return true
	}
	if items, ok := s["items"]; ok {
		return c.has(items, names)
	}
	properties, _ := s["properties"].(map[string]any)
	if inner, ok := properties[names[0]]; ok {
		return c.has(inner, names[1:])
	}
	return s["additionalProperties"] == true && len(names) == 1
}

func TestContract_DetectsUnknownMembersInCauses(t *testing.T) {
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	for name, sound := range map[string]bool{"profile.login: address": true, "profile.login": true, "credentials.password.value: too_short": true,
		"sendEmail": true, "groupIds: unknown": true, "profile.mobilePhone": true, "login: address": false, "profile.login.x": false, "expires: too_long": false, "": false} {
		body, err := json.Marshal(reply.Document{Type: "/problems/invalid", ErrorCauses: []reply.Cause{{ErrorSummary: name}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.blamed(c.operations()["POST /api/v1/users"], body); (err == nil) != sound {
			t.Errorf("%q: got %v, want sound %v", name, err, sound)
		}
	}
}
