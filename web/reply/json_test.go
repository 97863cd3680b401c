package reply_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"barillet/web/reply"
)

type open map[string]json.RawMessage

func (o *open) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, (*map[string]json.RawMessage)(o))
}

type body struct {
	Name    string        `json:"name"`
	Count   *int          `json:"count"`
	Created reply.Ignored `json:"created"`
	Profile open          `json:"profile"`
	Inner   struct {
		Names []struct {
			Name string `json:"name"`
		} `json:"names"`
	} `json:"inner"`
}

func post(media, text string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(text))
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	return r
}

func TestDecodeJSON_IsStrict(t *testing.T) {
	for _, c := range []struct {
		name, media, body string
		status            int
		kind, member      string
	}{
		{"a sound body", "application/json", `{"name":"x","count":1,"inner":{"names":[{"name":"y"}]}}`, 0, "", ""},
		{"a charset that is UTF-8", "application/json; charset=UTF-8", `{}`, 0, "", ""},
		{"blanks around it", "application/json", " \r\n{}\t ", 0, "", ""},
		{"a read-only member is ignored, whatever it holds", "application/json", `{"created":{"any":[1]}}`, 0, "", ""},
		{"an open member takes all", "application/json", `{"profile":{"x":{"y":1}}}`, 0, "", ""},
		{"null", "application/json", `{"count":null,"profile":null}`, 0, "", ""},
		{"no media type", "", `{}`, 415, reply.KindMedia, ""},
		{"a form", "application/x-www-form-urlencoded", `a=b`, 415, reply.KindMedia, ""},
		{"text that browsers send across sites", "text/plain", `{}`, 415, reply.KindMedia, ""},
		{"another charset", "application/json; charset=iso-8859-1", `{}`, 415, reply.KindMedia, ""},
		{"no body", "application/json", ``, 400, reply.KindMalformed, ""},
		{"cut off", "application/json", `{"name":"x"`, 400, reply.KindMalformed, ""},
		{"something behind it", "application/json", `{} {}`, 400, reply.KindMalformed, ""},
		{"a bracket behind it", "application/json", `{}}`, 400, reply.KindMalformed, ""},
		{"not UTF-8", "application/json", "{\"name\":\"\xff\"}", 400, reply.KindMalformed, ""},
		{"nested without end", "application/json", `{"profile":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, 400, reply.KindMalformed, ""},
		{"an unknown member", "application/json", `{"hunter2":1}`, 400, reply.KindUnknown, "hunter2"},
		{"an unknown member that is no name", "application/json", `{"my secret: hunter2":1}`, 400, reply.KindUnknown, ""},
		{"an unknown member that is a ticket's code", "application/json", `{"7K3M-Q9TD":1}`, 400, reply.KindUnknown, ""},
		{"an unknown member that is a six-digit code", "application/json", `{"481516":1}`, 400, reply.KindUnknown, ""},
		{"an unknown member that is a phone's secret", "application/json", `{"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP":1}`, 400, reply.KindUnknown, ""},
		{"an unknown member that is an API token", "application/json", `{"brl_x0x1y2z3x0x1y2z3x0x1y2z3x0x1y2z3x0x1y2z3":1}`, 400, reply.KindUnknown, ""},
		{"an unknown member within", "application/json", `{"inner":{"names":[{"nome":"y"}]}}`, 400, reply.KindUnknown, "inner.names.nome"},
		{"another case of a member", "application/json", `{"Name":"x"}`, 400, reply.KindUnknown, "Name"},
		{"a member twice", "application/json", `{"name":"x","name":"y"}`, 400, reply.KindDuplicate, "name"},
		{"a member twice, once escaped", "application/json", `{"name":"x","n\u0061me":"y"}`, 400, reply.KindDuplicate, "name"},
		{"an open member twice within", "application/json", `{"profile":{"a":1,"a":2}}`, 400, reply.KindDuplicate, "profile.a"},
		{"a member of another type", "application/json", `{"name":17}`, 400, reply.KindMember, "name"},
		{"a number that is none", "application/json", `{"count":1.5}`, 400, reply.KindMember, "count"},
		{"a list for an object", "application/json", `[]`, 400, reply.KindMember, ""},
		{"over the limit", "application/json", `{"name":"` + strings.Repeat("x", 1000) + `"}`, 413, reply.KindTooLarge, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got body
			err := reply.DecodeJSON(post(c.media, c.body), 1000, &got)
			if c.status == 0 {
				if err != nil {
					t.Fatalf("got %v, want it accepted", err)
				}
				return
			}
			refused, ok := errors.AsType[*reply.HTTPError](err)
			if !ok {
				t.Fatalf("got %v, want a refusal", err)
			}
			if refused.Status != c.status || refused.Kind != c.kind || refused.Member != c.member {
				t.Errorf("got %d %s %q, want %d %s %q", refused.Status, refused.Kind, refused.Member, c.status, c.kind, c.member)
			}
		})
	}
}

func TestDecodeOptionalJSON_IsStrict(t *testing.T) {
	got := body{Name: "before"}
	for _, text := range []string{"", " \n"} {
		if err := reply.DecodeOptionalJSON(post("", text), 100, &got); err != nil || got.Name != "before" {
			t.Errorf("body %q: got %+v, %v, want it left alone", text, got, err)
		}
	}
	for _, r := range []*http.Request{post("", `{"name":"x"}`), post("application/json", `{"x":1}`), post("application/json", `{`)} {
		if err := reply.DecodeOptionalJSON(r, 100, &got); err == nil {
			t.Error("a bad body was taken")
		}
	}
	over := httptest.NewRecorder()
	r := post("application/json", `{"name":"a long one"}`)
	r.Body = http.MaxBytesReader(over, r.Body, 5)
	if status, _ := reply.Status(reply.DecodeJSON(r, 100, &got)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body beyond an outer limit: got %d, want 413", status)
	}
}

// FuzzParseJSON checks that accepted bodies equal those of encoding/json, and that no error repeats a value.
func FuzzParseJSON(f *testing.F) {
	for _, seed := range []string{`{}`, `{"name":"x","count":3}`, `{"inner":{"names":[{"name":"y"}]}}`, `{"profile":{"a":[1,{"b":null}]}}`,
		`{"name":"x","name":"y"}`, `{"Name":"\ud800"}`, `[1,2`, `"plain"`, `{"created":1e99}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got, want body
		err := reply.ParseJSON(text, &got)
		if err == nil {
			if err := json.Unmarshal(text, &want); err != nil {
				t.Errorf("took what is no JSON: %v", err)
			}
			if _, err := json.Marshal(got); err != nil {
				t.Errorf("read something that cannot be written: %v", err)
			}
			return
		}
		refused, ok := errors.AsType[*reply.HTTPError](err)
		if !ok || refused.Status != http.StatusBadRequest {
			t.Fatalf("got %v, want a refusal with 400", err)
		}
		if strings.ContainsAny(refused.Member, " \"\r\n<>") || len(refused.Member) > 64 {
			t.Errorf("the refusal shows %q", refused.Member)
		}
	})
}
