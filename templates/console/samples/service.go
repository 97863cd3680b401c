package samples

import (
	"time"

	"barillet/templates"
	"barillet/templates/console"
)

func servicePages(lang string) []Sample {
	var out []Sample
	for _, more := range [][]Sample{applicationsPages(lang), webhooksPages(lang), mailPages(lang), logPages(lang)} {
		out = append(out, more...)
	}
	return out
}

func applicationsPages(lang string) []Sample {
	at := at(lang, "applications", "/console/applications")
	planning := console.Application{ID: "c4f1e2d3a5b6", Name: "Planning d’atelier", Path: "/console/applications/c4f1e2d3a5b6", Kind: "web", Redirects: []string{"https://planning.garage.example/oidc/callback"},
		Grants: []string{"authorization_code", "refresh_token"}, Scopes: []string{"openid", "profile", "email"}, Groups: []string{"Garage du Canal", "Garage Lumière"}, Consent: true, Strong: true, MaxAge: 15,
		Rules: []console.ApplicationRule{{Group: "Garage du Nord", Strong: true, MaxAge: 1}}, Created: day}
	service := console.Application{ID: "c777", Name: "Annuaire", Path: "/console/applications/c777", Kind: "service", Role: "USER_ADMIN", Grants: []string{"client_credentials"}, Created: day}
	list := console.Applications{Base: at, Applications: []console.Application{planning, service, {ID: "c888", Name: "Télé de l’atelier", Path: "/console/applications/c888", Kind: "native", Everybody: true}},
		Keys: []console.SigningKey{{ID: "k7H2mQ9vTz1", Alg: "RS256", From: day, Signs: true}, {ID: "p0LwX3", Alg: "ES256", From: day.Add(24 * time.Hour)}}, More: "/console/applications?after=c888"}
	shown := console.SecretShown{Base: at, Words: "app_register", Subject: planning.Name, Secret: "bcs_0123456789abcdef0123456789abcdef0123456789abcdef", Also: planning.ID, Back: planning.Path}
	return []Sample{{"applications", list}, {"applications-none", console.Applications{Base: at, Keys: list.Keys}},
		{"application", console.ApplicationPage{Base: at, Application: planning, HasSecret: true}}, {"application-service", console.ApplicationPage{Base: at, Application: service}},
		{"application-secret", shown}, {"application-policy", console.Act{Base: at, Words: "app_policy", Subject: planning.Name, Action: planning.Path + "/policy", Back: planning.Path, Fields: []console.Field{
			{Name: "who", Words: "app_who", Kind: "choice", Value: "groups", Options: []console.Option{{Value: "all", Words: "application.who.all"}, {Value: "groups", Words: "application.who.groups"}}},
			{Name: "groups", Words: "app_groups", Kind: "textarea", Value: "Garage du Canal\nGarage Lumière", Optional: true, HasHint: true},
			{Name: "strong", Words: "app_strong", Kind: "tick", Value: "yes"}, {Name: "reason", Kind: "text", HasHint: true}}}}}
}

func webhooksPages(lang string) []Sample {
	at := at(lang, "webhooks", "/console/webhooks")
	siem := console.Webhook{Name: "SIEM", Path: "/console/webhooks/w1", Host: "siem.garage.example", Events: []string{"user.session.*", "user.mfa.factor.reset_all"}, State: "on", Overrun: true, Failing: 50,
		FailingMore: true, LastError: "status 503 Service Unavailable from a receiver with a long explanation of what it lacks", Created: day, OldSecretUntil: day.Add(time.Hour)}
	gone := console.Webhook{Name: "Paie", Path: "/console/webhooks/w2", Host: "paie.example", Events: []string{"*"}, State: "gone", Created: day}
	off := console.Webhook{Name: "Essai", Path: "/console/webhooks/w3", Host: "essai.example", Events: []string{"*"}, State: "administrator", Failing: 1, LastError: "server is unavailable", Created: day}
	event := console.Event{Path: "/console/log/e1", Action: "user.session.start", Words: "log.type.user_session_start"}
	return []Sample{{"webhooks", console.Webhooks{Base: at, Webhooks: []console.Webhook{siem, gone, off}}}, {"webhooks-none", console.Webhooks{Base: at}},
		{"webhook", console.WebhookPage{Base: at, Webhook: siem, Status: "waiting", More: "/console/webhooks/w1?after=x", Deliveries: []console.Delivery{
			{Event: event, Attempts: 3, Queued: day, Tried: day, Next: day.Add(time.Hour), Error: siem.LastError}, {Event: event, Queued: day}, {Event: event, Dead: true, Attempts: 12, Queued: day, Tried: day, Error: "status 410"}}}},
		{"webhook-off", console.WebhookPage{Base: at, Webhook: off}}}
}

func mailPages(lang string) []Sample {
	at := at(lang, "mail", "/console/mail")
	letters := []console.DeadLetter{
		{Path: "/console/mail/m1", Kind: "device_added", To: "amelie.durand@garage-du-canal.example", Recipient: console.Named{Name: "Amélie Durand", ID: "u1", Path: "/console/people/u1"}, Queued: day, Tried: day.Add(99 * time.Hour),
			Died: day.Add(120 * time.Hour), Attempts: 25, Error: "550 5.1.1 <amelie.durand@garage-du-canal.example>: Recipient address rejected: User unknown in virtual mailbox table", CanRetry: true},
		{Path: "/console/mail/m2", Kind: "invitation", To: "karim@garage.example", Recipient: console.Named{ID: "u9deleted"}, Queued: day, Died: day.Add(24 * time.Hour), Error: "expired before delivery"},
		{Path: "/console/mail/m3", Kind: "help_for_support", To: "support@garage.example", Queued: day, Tried: day, Died: day, Attempts: 8, Error: "server is unavailable", CanRetry: true}}
	return []Sample{{"mail", console.Mail{Base: at, Waiting: 997, Dead: 3, Over: true, Letters: letters, More: "/console/mail?after=m3", CanChange: true}},
		{"mail-read-only", console.Mail{Base: at, Waiting: 1, Dead: 3, Letters: letters}}, {"mail-none", console.Mail{Base: at}}}
}

func logPages(lang string) []Sample {
	at := at(lang, "log", "/console/log")
	amelie := console.Named{Name: "Amélie Durand", ID: "u1", Path: "/console/people/u1"}
	events := []console.Event{
		{Path: "/console/log/e1", At: day, Action: "user.mfa.factor.reset_all", Words: "log.type.user_mfa_factor_reset_all", Outcome: "SUCCESS", Actor: console.Named{Name: "Jeanne Martin", ID: "u2", Path: "/console/people/u2"}, Subject: amelie},
		{Path: "/console/log/e2", At: day, Action: "system.operation.rate_limit.violation", Words: "log.type.system_operation_rate_limit_violation", Count: 812, Outcome: "DENY", Reason: "sign-in", Actor: console.Named{Kind: "Unknown"}},
		{Path: "/console/log/e3", At: day, Action: "barillet.new", Words: "log.type.unlisted", Outcome: "FAILURE", Actor: console.Named{Kind: "ApiToken", Name: "annuaire", ID: "token:1"}, Subject: console.Named{ID: "00u9f8e7d6c5b4a39281"}}}
	types := []console.Option{{Value: "user.session.start", Text: "Connexion"}}
	filter := console.LogFilter{Subject: "u1", SubjectName: "Amélie Durand", ActorName: "Jeanne Martin", Actor: "u2", Outcome: "DENY", Since: "2026-03-01", Until: "2026-03-02"}
	broken := at
	broken.Problem = templates.NewProblem("invalid.date")
	page := console.EventPage{Base: at, Event: events[0], ID: "20260301T094100.000000000Z-abcdef", Address: "192.0.2.10", Agent: "Firefox, Android", Request: "req-1", Session: "s1", Targets: []console.Named{{Kind: "Factor", Name: "Téléphone", ID: "d1"}, amelie},
		Details: []console.EventDetail{{Name: "reason", Value: "Phone fell into the pit"}}}
	proven, unproven := page, page
	proven.Proof = &console.EventProof{Number: 4711, Head: "barillet\n4712\nq83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=\n\n— barillet q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ", JSON: `{"number": 4711}`}
	unproven.Unproven = &templates.Message{Key: "refused.unsigned"}
	folded := page
	folded.Event = events[1]
	return []Sample{{"log", console.Log{Base: at, Types: types, Events: events, More: "/console/log?after=e3", Export: "/console/log/export"}},
		{"log-filtered", console.Log{Base: at, Filter: filter, Types: types, Events: events[:1], Export: "/console/log/export"}},
		{"log-choose", console.Log{Base: at, Filter: console.LogFilter{Subject: "du"}, Types: types, Choices: []console.LogChoice{{Name: "Amélie Durand", Login: "amelie@garage.example", Path: "/console/log?user=u1"}, {Name: "Léa Dubois", Login: "lea@garage.example", Path: "/console/log?user=u3"}}}},
		{"log-nobody", console.Log{Base: at, Types: types, Nobody: "zzz"}}, {"log-none", console.Log{Base: at, Types: types}}, {"log-more", console.Log{Base: at, Types: types, More: "/console/log?after=e9"}},
		{"log-refused", console.Log{Base: broken, Types: types}}, {"event", page}, {"event-proven", proven}, {"event-unproven", unproven}, {"event-folded", folded}}
}
