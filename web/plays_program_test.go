package web_test

import (
	"net/http"
	"strings"

	"barillet/internal/notice"
)

// programPlays are those with tokens, applications and webhooks.
func programPlays() []play {
	// showsNoTicket requires that no text has the link or the code of a ticket that was mailed to Amélie.
	showsNoTicket := func(s *scene, what, text string) {
		s.t.Helper()
		m, found := newest[notice.DevicesReset](s, amelie)
		if !found || len(text) < 100 {
			s.t.Fatalf("%s: no ticket, or nothing to read: %q", what, text)
		}
		if strings.Contains(text, m.Code) || strings.Contains(text, strings.TrimPrefix(m.Link, s.url)) {
			s.t.Errorf("%s shows the ticket", what)
		}
	}
	victim := func(s *scene) string { return "/api/v1/users/" + string(s.amelie.user.ID) }
	return []play{
		{"a token enrols, sets passwords and signs in", "password", "SUPER_ADMIN", "a token made in the console has neither *secrets* nor *authn* (20)", func(s *scene) {
			token := s.rene.token()
			for _, call := range [][2]string{
				{victim(s) + "/factors", `{"factorType":"token:software:totp","provider":"GOOGLE","name":"Mallory"}`},
				{victim(s) + "/lifecycle/expire_password?tempPassword=true", ""},
				{victim(s) + "/lifecycle/expire_password_with_temp_password", ""},
				{victim(s) + "/lifecycle/reset_password?sendEmail=false", ""},
				{victim(s) + "/lifecycle/reset_factors", `{"sendEmail":false}`},
				{"/api/v1/authn", `{"username":"` + amelie + `","password":"x"}`},
			} {
				s.answers(token, http.MethodPost, call[0], call[1], http.StatusForbidden)
			}
			s.resets(s.rene)
		}, "colleague", byColleague(theSuperAdmin)},
		{"a token makes a token of another owner", "password", "SUPER_ADMIN", "a token makes only those of its owner, without allowances (20)", func(s *scene) {
			token := s.rene.token()
			s.answers(token, http.MethodPost, "/api/v1/api-tokens", `{"name":"x","role":"SUPER_ADMIN","allow":["secrets"]}`, http.StatusForbidden)
			s.answers(token, http.MethodPost, "/api/v1/api-tokens", `{"name":"x","role":"SUPER_ADMIN","owner":"`+s.solange.user.Login+`"}`, http.StatusForbidden)
		}, "colleague", byColleague(theSuperAdmin)},
		{"an application is registered with the rights of the SUPER_ADMIN", "password", "SUPER_ADMIN", "only the operator gives an application a role (20)", func(s *scene) {
			got := s.rene.does("/console/applications/register", "name", "Mallory", "redirects", "https://elsewhere.example/cb", "kind", "web", "scopes", "openid")
			if got.StatusCode != http.StatusOK {
				s.t.Fatalf("got %d", got.StatusCode)
			}
			s.answers(s.rene.token(), http.MethodPost, "/oauth2/v1/clients", `{"client_name":"M","redirect_uris":["https://elsewhere.example/cb"],"barillet_role":"SUPER_ADMIN"}`, http.StatusForbidden)
		}, "colleague", byColleague(theSuperAdmin)},
		{"a service client", "password", "SUPER_ADMIN", "only the operator makes a service client (20)", func(s *scene) {
			s.answers(s.rene.token(), http.MethodPost, "/oauth2/v1/clients", `{"client_name":"M","grant_types":["client_credentials"],"barillet_role":"SUPER_ADMIN","jwks_uri":"https://elsewhere.example/keys"}`, http.StatusForbidden)
		}, "colleague", byColleague(theSuperAdmin)},
		{"a webhook copies the events", "password", "SUPER_ADMIN", "no event has a link or a code (S4)", func(s *scene) {
			s.rene.does("/console/webhooks/create", "name", "Mallory", "url", "https://hooks.elsewhere.example/in", "events", "user.*")
			s.resets(s.rene)
			showsNoTicket(s, "the store of deliveries", s.deliveries())
		}, "colleague", byColleague(theSuperAdmin)},
		{"the log, its export and the mail queue", "password", "SUPER_ADMIN", "no page and no event has a link or a code (35)", func(s *scene) {
			s.resets(s.rene)
			s.givenUp(amelie)
			b := s.rene.console()
			showsNoTicket(s, "the log", b.shows("/console/log").body)
			showsNoTicket(s, "the mail queue", b.shows("/console/mail").body)
			showsNoTicket(s, "the person", b.shows(s.victim()).body)
			for _, format := range []string{"csv", "jsonl"} {
				showsNoTicket(s, "the export", s.rene.does("/console/log/export", "format", format).body)
			}
			s.Clock.Advance(1)
			status, body := s.calls(s.rene.token(), http.MethodGet, "/api/v1/logs?limit=1000", "")
			if status != http.StatusOK {
				s.t.Fatalf("got %d", status)
			}
			showsNoTicket(s, "the log of the API", body)
		}, "colleague", func(s *scene) { s.witnessed(s.rene, s.paul) }},
	}
}

// deliveries returns what the API shows of the deliveries of the only webhook.
func (s *scene) deliveries() string {
	s.t.Helper()
	hooks := reads[[]struct{ ID string }](s, "/api/v1/webhooks")
	if len(hooks) != 1 {
		s.t.Fatalf("got %d webhooks", len(hooks))
	}
	_, body := s.calls(s.auditor, http.MethodGet, "/api/v1/webhooks/"+hooks[0].ID+"/deliveries", "")
	return body
}
