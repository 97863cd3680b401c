package samples

import (
	"time"

	"barillet/templates"
	"barillet/templates/console"
)

func requestsPages(lang string) []Sample {
	return append(append(startPages(lang), queuePages(lang)...), append(requestPages(lang), handOverPages(lang)...)...)
}

func startPages(lang string) []Sample {
	b := at(lang, "start", "/console")
	age := templates.Message{Key: "age.hours", N: 3}
	full := console.Start{Base: b, Open: 99, MoreOpen: true, Oldest: &age, AtRisk: 200, MoreAtRisk: true, Mail: &console.MailSize{Waiting: 3, Dead: 1}}
	for i, n := range []int{40, 51, 0, 12, 88, 73, 5} {
		full.Days = append(full.Days, console.Day{At: day.AddDate(0, 0, i-6), SignIns: n, Refused: n / 7})
	}
	console.Place(full.Days)
	empty := console.Start{Base: b, Days: []console.Day{{At: day}}}
	console.Place(empty.Days)
	several := empty
	several.Role, several.Roles = "USER_ADMIN", []string{"USER_ADMIN", "HELP_DESK_ADMIN"}
	return []Sample{{"start", full}, {"start-empty", empty}, {"start-roles", several}}
}

// someRow is a request that nobody has.
var someRow = console.RequestRow{Path: "/console/requests/r1", Reference: "H-7K3F-2Q9M-4TBX", Name: "Amélie Durand", Known: true, Group: "Garage Lumière",
	GroupPath: "/console/requests?group=g1", Topic: "help.topic_phone_lost", Age: templates.Message{Key: "age.minutes", N: 7}, State: "open", Proven: true, Recognized: true}

func queuePages(lang string) []Sample {
	b := at(lang, "requests", "/console/requests")
	taken, mine, unknown, closed := someRow, someRow, someRow, someRow
	taken.State, taken.Assignee, taken.Proven, taken.Path = "in_progress", "Zoé Petit", false, "/console/requests/r2"
	mine.State, mine.Assignee, mine.Mine, mine.Path = "in_progress", "Jeanne Martin", true, "/console/requests/r3"
	unknown.Name, unknown.Known, unknown.Group, unknown.Proven, unknown.Recognized, unknown.Path = "someone.with.a.long.address@elsewhere.example", false, "", false, false, "/console/requests/r4"
	closed.State, closed.Assignee, closed.Path, closed.Age = "rejected", "Jeanne Martin", "/console/requests/r5", templates.Message{Key: "age.days", N: 12}
	full := console.Requests{Base: b, Rows: []console.RequestRow{someRow, taken, mine, unknown, closed}, More: "/console/requests?after=r5", MayTake: true,
		Groups: []console.Option{{Value: "g1", Text: "Garage Lumière"}, {Value: "g2", Text: "Garage du Nord"}}, Group: "g1", State: "open", Mine: true}
	return []Sample{{"requests", full}, {"requests-none", console.Requests{Base: b, Group: "g1", GroupName: "Garage Lumière", Find: "H-7K3F"}}}
}

func requestPages(lang string) []Sample {
	b := at(lang, "requests", "/console/requests/r1")
	act := func(name, key string, send bool) console.RequestAct {
		return console.RequestAct{Name: name, Path: "/console/requests/r1/" + name, Key: key, Send: send}
	}
	next := act("request_next", "w", true)
	open := console.HelpRequest{Base: b, Row: someRow, At: day, Email: "amelie@garage.example", Login: "amelie@garage.example", User: "/console/people/u1",
		Numbers: []console.Number{{Number: "+33612345678", Link: "tel:+33612345678"}, {Number: "+33123456789", Young: true}},
		Texts: []console.RequestText{{At: day, Topic: "help.topic_phone_lost", Message: "Mon téléphone est tombé\ndans la fosse.", Browser: "Firefox, Android", Address: "203.0.113.7", Proven: true, Recognized: true},
			{At: day, Topic: "help.topic_cannot_log_in", Browser: "Chrome, Windows", Address: "198.51.100.9", Forgotten: true}},
		Changes: []templates.Event{{At: day.Add(-time.Hour), Action: "user.account.update_primary_email", Browser: "Firefox, Linux", Address: "203.0.113.7", OK: true}},
		Removed: 2, Acts: []console.RequestAct{act("request_take", "t", true), act("request_note", "e", false), next}}
	mine := open
	mine.Row.State, mine.Row.Assignee, mine.Row.Mine = "in_progress", "Jeanne Martin", true
	mine.Acts = []console.RequestAct{act("request_reset", "r", false), act("request_answer", "a", false), act("request_check", "i", false), act("request_reject", "x", false),
		act("request_resolve", "c", true), act("request_note", "e", false), act("request_give_back", "b", true), next}
	mine.Checked = &console.HistoryEntry{At: day, What: templates.Message{Key: "requests.check_called_back"}}
	mine.History = []console.HistoryEntry{{At: day, By: "Jeanne Martin", What: templates.Message{Key: "requests.history_note"}, Text: "Pas de réponse à midi."},
		{At: day, By: "Jeanne Martin", What: templates.Message{Key: "requests.history_assigned", Args: map[string]string{"Name": "Jeanne Martin"}}}}
	taken := open
	taken.Row.State, taken.Row.Assignee = "in_progress", "Zoé Petit"
	taken.Acts = []console.RequestAct{next, act("request_take_over", "o", true), act("request_note", "e", false)}
	unknown := console.HelpRequest{Base: b, Row: someRow, At: day, Email: "someone@elsewhere.example", Acts: []console.RequestAct{act("request_reject", "x", false), next}}
	unknown.Row.Known, unknown.Row.Name = false, "someone@elsewhere.example"
	closed := mine
	closed.Row.State, closed.Closed, closed.Numbers, closed.Changes = "resolved", true, nil, nil
	closed.Acts = []console.RequestAct{next, act("request_reopen", "u", true), act("request_note", "e", false)}
	method := console.Field{Name: "method", Kind: "choice", HasHint: true, Options: []console.Option{{Value: "called_back", Words: "requests.check_called_back"}, {Value: "in_person", Words: "requests.check_in_person"}}}
	reset := console.Act{Base: b, Words: "request_reset", Subject: someRow.Reference, Action: "/console/requests/r1/reset", Back: "/console/requests/r1", Danger: true,
		Fields: []console.Field{method, {Name: "by", Kind: "text", Optional: true, HasHint: true}, {Name: "answer", Kind: "textarea", Optional: true, HasHint: true}, {Name: "reason", Kind: "text", HasHint: true}}}
	return []Sample{{"request", open}, {"request-mine", mine}, {"request-taken", taken}, {"request-unknown", unknown}, {"request-closed", closed}, {"request-reset", reset}}
}

func handOverPages(lang string) []Sample {
	b := at(lang, "people", "/console/hand-overs/h1")
	witness := console.Field{Name: "witness", Kind: "choice", HasHint: true, Options: []console.Option{{Value: "u2", Text: "Bruno Petit"},
		{Value: "u3", Text: "Chloé Roux"}, {Value: "u4", Text: "Inès Petit", Refused: "handover.refusal_new"}, {Value: "other", Words: "handover.another"}}}
	out := []Sample{{"hand-over", console.Act{Base: b, Words: "hand_over", Subject: "Amélie Durand", Action: b.Path, Back: "/console/people/u1",
		Fields: []console.Field{witness, {Name: "other_witness", Kind: "text", Optional: true, HasHint: true}, {Name: "reason", Kind: "text", HasHint: true}}}}}
	for _, state := range []string{"asked", "confirmed", "refused", "wrong", "cancelled", "done", "expired"} {
		out = append(out, Sample{"hand-over-" + state, console.HandOver{Base: b, Subject: "Amélie Durand", Witness: "Bruno Petit", State: state, Until: day,
			Action: "/console/hand-overs/h1", Back: "/console/people/u1", Retry: "/console/people/u1/hand-over", Live: state == "asked" || state == "confirmed"}})
	}
	return append(out, Sample{"handed", console.HandedCode{Base: b, Subject: "Amélie Durand", Code: "K7QX-2M9F", Until: day, Back: "/console/people/u1"}})
}
