package api

import (
	"encoding/json"
	"slices"
	"testing"

	"barillet/web/reply"
)

func FuzzProfileChange(f *testing.F) {
	for _, seed := range []string{`{"profile":{"login":"a@b.example","email":null,"locale":"fr_CH","badge":[1,{"x":"<"}]}}`, `{"profile":{"locale":"tlh"}}`,
		`{"profile":{"locale":""}}`, `{"profile":{"firstName":1}}`, `{"profile":null}`, `{"role":"SUPER_ADMIN"}`, `{"credentials":{"password":{"hash":null}}}`, `{}`} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, whole bool) {
		body := userBody{Profile: profileBody{}}
		if reply.ParseJSON(text, &body) != nil {
			return
		}
		if body.Profile == nil {
			body.Profile = profileBody{}
		}
		c, err := body.change(whole)
		if err != nil {
			return
		}
		if c.Locale != nil && !slices.Contains([]string{"", "fr", "en"}, *c.Locale) {
			t.Errorf("locale: got %q, want one of ours or none", *c.Locale)
		}
		for name, value := range c.Custom {
			if name != "locale" && slices.Contains(profileMembers, name) || !json.Valid(value) {
				t.Errorf("custom member %q: got %q", name, value)
			}
		}
	})
}
