package samples

import (
	"time"

	"barillet/templates"
	"barillet/templates/console"
)

func peoplePages(lang string) []Sample {
	out := append(listPages(lang), personPages(lang)...)
	return append(out, importPages(lang)...)
}

// filters returns the filters of a list, with a value of the first.
func filters(group console.Field) []console.Field {
	state := console.Field{Name: "state", Kind: "select", Value: "SUSPENDED"}
	for _, s := range []string{"STAGED", "PROVISIONED", "SUSPENDED", "DEPROVISIONED", "LOCKED_OUT", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED"} {
		state.Options = append(state.Options, console.Option{Value: s, Words: templates.Key("state." + s)})
	}
	devices := console.Field{Name: "devices", Kind: "select", Options: []console.Option{{Value: "0", Words: "people.devices_0"}, {Value: "1", Words: "people.devices_1"}, {Value: "2", Words: "people.devices_2"}}}
	role := console.Field{Name: "role", Kind: "select", Options: []console.Option{{Value: "SUPER_ADMIN", Words: "roles.name_SUPER_ADMIN"}}}
	return []console.Field{group, state, devices, role}
}

func listPages(lang string) []Sample {
	few := console.Field{Name: "group", Kind: "select", Options: []console.Option{{Value: "g1", Text: "Garage Lumière"}, {Value: "g2", Text: "Garage du Nord"}}}
	many := console.Field{Name: "group", Kind: "text", Value: "Lum"}
	empty := console.People{Base: at(lang, "people", "/console/people"), Filters: filters(few), First: true, Invite: true}
	full := empty
	full.Query, full.More = "dur", "/console/people?q=dur&after=x"
	for i, s := range []console.State{"ACTIVE", "LOCKED_OUT", "PASSWORD_EXPIRED", "RECOVERY", "PROVISIONED", "STAGED", "SUSPENDED", "DEPROVISIONED", "ACTIVE", "ACTIVE"} {
		row := console.PersonRow{Path: "/console/people/u1", Name: "Amélie Durand", Login: "amelie.durand@garage-lumiere-de-la-vallee.example", State: s, Devices: i % 3, Groups: []string{"Garage Lumière", "Garage du Nord"}, LastLogin: day}
		if i%4 == 3 {
			row.Groups, row.LastLogin = nil, time.Time{}
		}
		full.Rows = append(full.Rows, row)
	}
	more, last, none, nearly := empty, empty, empty, empty
	more.More, last.First = "/console/people?after=x", false
	none.NoGroup, none.Filters = true, filters(many)
	nearly.Nearly, nearly.Filters = []console.Link{{Name: "Garage Lumière", Path: "/console/people?group=g1"}, {Name: "Lumière et fils", Path: "/console/people?group=g2"}}, filters(many)
	reader := full
	reader.Invite, reader.Filters = false, filters(few)[:3]
	return []Sample{{"people", full}, {"people-nobody", empty}, {"people-none-yet", more}, {"people-no-more", last}, {"people-no-group", none}, {"people-which-group", nearly}, {"people-reader", reader}}
}

func personPages(lang string) []Sample {
	const path = "/console/people/u1"
	b := at(lang, "people", path)
	keys := map[string]string{"invite": "i", "unlock": "u", "password_link": "p", "end_sessions": "s", "freeze_all": "f", "reset": "r", "edit": "e"}
	links := func(names ...string) (out []console.ActLink) {
		for _, n := range names {
			out = append(out, console.ActLink{Name: n, Path: path + "/" + n, Key: keys[n], Danger: dangerous(n)})
		}
		return out
	}
	handOver := console.ActLink{Name: "hand-over", Words: "act.hand_over.button", Path: path + "/hand-over", Key: "h"}
	phone := templates.Device{ID: "d1", Name: "Samsung d’Amélie", Slug: "phone", Input: "code", App: "google", Added: day, LastUsed: day,
		Copies: []templates.Copy{{ID: "c1", Name: "Tablette de l’atelier", Shown: day, Confirmed: true}, {ID: "c2", Name: "Ancien téléphone", Shown: day}, {ID: "c3", Name: "Autre", Shown: day, ScanAgain: true}}}
	frozen, frozenBy, cloned, again, waits := phone, phone, phone, phone, phone
	frozen.ID, frozen.Frozen, frozen.Copies = "d2", day, nil
	frozenBy.ID, frozenBy.Frozen, frozenBy.FrozenBy, frozenBy.Copies = "d3", day, "Karim Benali", nil
	cloned.ID, cloned.Name, cloned.Slug, cloned.Input, cloned.App, cloned.Disabled, cloned.Copies = "d4", "YubiKey", "key", "key", "", "clone", nil
	again.ID, again.Disabled, again.Copies = "d5", "scan_again", nil
	waits.ID, waits.Disabled, waits.By, waits.Copies, waits.LastUsed = "d6", "unconfirmed", "Karim Benali", nil, time.Time{}
	full := console.Person{Base: b, Path: path, Name: "Amélie Durand", Codes: 7, Groups: []console.Membership{{Name: "Garage Lumière", Leave: path + "/groups/g1/remove"}, {Name: "Garage du Nord"}},
		Profile: console.PersonProfile{State: "ACTIVE", StateAt: day, Login: "amelie", Email: "amelie.durand@garage-lumiere-de-la-vallee.example", SecondEmail: "amelie@home.example", Verified: true, Locale: "fr", LastLogin: day, Created: day,
			Roles: []console.RoleOf{{Role: "SUPER_ADMIN"}, {Role: "HELP_DESK_ADMIN", Groups: 2}}, Numbers: []console.Number{{Member: "mobilePhone", Number: "+33 6 12 34 56 78"}, {Member: "primaryPhone", Number: "+33 1 23 45 67 89", Young: true}}},
		Devices: []templates.Device{phone, frozen, frozenBy, cloned, again, waits}, Request: &console.Link{Name: "H-7K3F-2Q9M-4TBX", Path: "/console/requests/h1"},
		Sessions: []templates.Session{{ID: "s1", Browser: "Firefox, Android", Address: "192.0.2.7", Started: day, Seen: day}, {ID: "s2", Started: day, Seen: day, Address: "2001:db8::7", Program: true}, {ID: "s3", Started: day, Seen: day}},
		Events: []templates.Event{{At: day, Action: "user.session.start", Browser: "Firefox, Android", Address: "192.0.2.7", OK: true}, {At: day, Action: "user.authentication.auth_via_mfa", Browser: "Firefox, Android"},
			{At: day, Action: "barillet.ticket.withdrawn", OK: true}, {At: day, Action: "user.mfa.factor.activate", Device: "YubiKey", OK: true}},
		Approvals: []console.ApprovalRow{{Path: "/console/approvals/u1-profile-x", Operation: "profile"}, {Path: "/console/approvals/u1-role-x", Operation: "role"}},
		RolesPath: "/console/roles/u1",
		Acts:      [][]console.ActLink{append(links("unlock", "password_link", "end_sessions", "freeze_all", "reset"), handOver), links("edit", "expire_password"), links("suspend", "deactivate")},
		May:       console.PersonRights{FreezeDevice: true, RemoveDevice: true, WithdrawInvitation: true, WithdrawTickets: true, ResendTicket: true, Join: true}}
	reset := full
	reset.Devices, reset.Codes, reset.Sessions, reset.Request = nil, 0, nil, nil
	reset.Tickets, reset.CoolOff = []console.Ticket{{Made: day, Until: day, ByEmail: true}, {Made: day, Until: day}}, console.CoolOff{On: true}
	cool := full
	cool.CoolOff = console.CoolOff{On: true, Until: day}
	cool.Profile.AddressMoved = true
	invited := console.Person{Base: b, Path: path, Name: "Karim Benali", Profile: console.PersonProfile{State: "PROVISIONED", Login: "karim@garage.example", Email: "karim@garage.example", Locale: "fr", Created: day},
		Invitation: &console.Invitation{By: "Jeanne Martin", At: day, Until: day}, Acts: [][]console.ActLink{links("invite"), links("edit"), links("deactivate")}, May: full.May}
	over := invited
	over.Invitation = &console.Invitation{At: day, Until: day, Over: true}
	over.May = console.PersonRights{}
	gone := invited
	gone.Profile.State, gone.Invitation, gone.Acts = "DEPROVISIONED", nil, [][]console.ActLink{links("edit", "reactivate"), links("delete")}
	suspended := invited
	suspended.Profile.State, suspended.Invitation, suspended.Acts = "SUSPENDED", nil, [][]console.ActLink{links("edit", "unsuspend"), links("deactivate")}
	reader := full
	reader.Acts, reader.May = nil, console.PersonRights{}
	out := []Sample{{"person", full}, {"person-reset", reset}, {"person-cool-off", cool}, {"person-invited", invited}, {"person-invitation-over", over}, {"person-deactivated", gone}, {"person-suspended", suspended}, {"person-reader", reader}}
	return append(out, actsPages(lang, b)...)
}

// dangerous reports whether an act of a user takes something from them.
func dangerous(act string) bool {
	switch act {
	case "reset", "suspend", "deactivate", "delete", "freeze_all", "freeze_device", "remove_device", "leave_group", "withdraw_invitation", "withdraw_tickets":
		return true
	}
	return false
}

// actsPages returns the page of each act of a user.
func actsPages(lang string, b console.Base) (out []Sample) {
	reason := console.Field{Name: "reason", Kind: "text", HasHint: true}
	method := console.Field{Name: "method", Kind: "choice", HasHint: true}
	for _, m := range []string{"called_back", "in_person", "manager_confirmed", "photo_document"} {
		method.Options = append(method.Options, console.Option{Value: m, Words: templates.Key("requests.check_" + m)})
	}
	number := console.Field{Name: "number", Kind: "choice", Optional: true, Options: []console.Option{{Value: "mobilePhone", Text: "+33612345678"}}}
	text := func(names ...string) (out []console.Field) {
		for _, n := range names {
			out = append(out, console.Field{Name: n, Kind: "text", Optional: n != "email" && n != "garage", HasHint: n == "login" || n == "garage" || n == "mobilePhone"})
		}
		return out
	}
	locale := console.Field{Name: "locale", Kind: "select", Optional: true, Options: []console.Option{{Words: "person.locale_default"}, {Value: "fr", Words: "person.locale_fr"}, {Value: "en", Words: "person.locale_en"}}}
	fields := map[string][]console.Field{"edit": append(text("firstName", "lastName", "login", "email", "secondEmail", "primaryPhone", "mobilePhone"), locale),
		"invite_new": append(text("email", "firstName", "lastName", "garage", "login"), locale), "join_group": text("garage"), "end_sessions": {{Name: "forget", Kind: "tick"}},
		"reset": {method, number, {Name: "by", Kind: "text", Optional: true, HasHint: true}}}
	for _, name := range []string{"unsuspend", "deactivate", "delete", "unlock", "invite", "reactivate", "withdraw_invitation", "withdraw_tickets", "resend_ticket", "password_link", "expire_password",
		"freeze_all", "freeze_device", "remove_device", "end_sessions", "reset", "edit", "join_group", "leave_group", "invite_new"} {
		subject := "Amélie Durand"
		switch name {
		case "freeze_device", "remove_device":
			subject = "Samsung d’Amélie (" + subject + ")"
		case "leave_group":
			subject += " – Garage Lumière"
		}
		act := console.Act{Base: b, Words: name, Subject: subject, Danger: dangerous(name), Action: b.Path + "/" + name, Back: b.Path, Fields: append(fields[name], reason)}
		out = append(out, Sample{"act-" + name, act})
		done := act
		done.Notice = &templates.Message{Key: templates.Key("act." + name + ".done")}
		out = append(out, Sample{"done-" + name, done})
	}
	return out
}

func importPages(lang string) []Sample {
	group := console.Field{Name: "group", Words: "import_garage", Kind: "select", Optional: true, Options: []console.Option{{Words: "people.none"}, {Value: "g1", Text: "Garage Lumière"}}}
	first := console.Import{Base: at(lang, "people", "/console/people/import"), Group: group, Most: 2000}
	checked := first
	checked.Checked, checked.Text = true, "Amélie Durand <amelie@garage.example>"
	checked.Lines = []console.ImportLine{{Line: 1, Who: "amelie@garage.example", State: "new"}, {Line: 2, Who: "karim@garage.example", State: "exists", Path: "/console/people/u1"},
		{Line: 3, Who: "un-login-sans-fin-qui-ne-s-arrete-jamais-et-deborde", State: "invalid", Faults: []console.ImportFault{{Column: "email", Message: templates.Message{Key: "invalid.email_address"}}, {Column: "groups", Message: templates.Message{Key: "invalid.groupIds_unknown"}}}}}
	checked.New, checked.Exists, checked.Invalid = 1, 1, 1
	going := checked
	going.Going, going.Created = true, 1
	going.Lines = append([]console.ImportLine{{Line: 4, Who: "zoe@garage.example", State: "created", Path: "/console/people/u2"}}, checked.Lines...)
	over := going
	over.Going, over.New, over.Lines = false, 0, going.Lines[:1]
	var wrong []console.ImportFault
	for _, reason := range []string{"utf16", "utf8", "empty", "lone_cr", "no_users", "quote", "fields", "fields_more", "column_empty", "separator", "column_unknown", "column_role", "column_twice", "column_key", "no_login", "control", "too_long", "json", "too_many"} {
		wrong = append(wrong, console.ImportFault{Line: 3, Column: "login", Message: templates.Message{Key: templates.Key("import.csv_" + reason)}})
	}
	wrong[0].Line, wrong[1].Line = 0, 1
	faulty := first
	faulty.Faults = wrong
	return []Sample{{"import", first}, {"import-checked", checked}, {"import-going", going}, {"import-over", over}, {"import-faulty", faulty}}
}
