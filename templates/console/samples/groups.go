package samples

import (
	"strings"
	"time"

	"barillet/templates"
	"barillet/templates/console"
)

const groupID = "gh3v7kq9x2mzt5n8b4w6jr1cdp"

func groupsPages(lang string) []Sample {
	all := append(garageSamples(lang), roleSamples(lang)...)
	return append(all, tokenSamples(lang)...)
}

func garageSamples(lang string) []Sample {
	b := at(lang, "groups", "/console/groups")
	rows := []console.GroupRow{{Path: b.Path + "/" + groupID, Name: "Garage Lumière", Description: "Lyon 3e, mécanique et carrosserie"}, {Path: b.Path + "/g2", Name: "Garage du Nord"},
		{Path: b.Path + "/g3", Name: "Société à responsabilité limitée des Établissements Montgolfier-Vandenbroucke", Description: strings.Repeat("Un garage dont la description est longue. ", 6)}}
	path := b.Path + "/" + groupID
	g := console.Group{Base: at(lang, "groups", path), Name: "Garage Lumière", Description: "Lyon 3e, mécanique et carrosserie", Path: path, CanReset: 1, AtRisk: true, UnscopedAdmins: 1,
		RolesPath: "/console/roles?group=" + groupID, CanChange: true, CanRemove: true, More: path + "?after=x", Applications: []console.Link{{Name: "Planning de l’atelier", Path: "/console/applications/c1"}},
		Managers: []console.HolderRow{{Path: "/console/roles/u1", Name: "Paul Petit", Login: "paul@garage.example", Active: true, Roles: []templates.Key{"roles.name_HELP_DESK_ADMIN"}}},
		Members: []console.MemberRow{{Path: "/console/people/u2", Remove: path + "/members/u2/remove", Name: "Amélie Durand", Login: "amelie@garage.example", Active: true, Devices: 1},
			{Path: "/console/people/u3", Remove: path + "/members/u3/remove", Name: "Bruno Lefèvre", Login: "bruno.lefevre@un-nom-de-domaine-fort-long.garage.example", Devices: 0},
			{Path: "/console/people/u4", Remove: path + "/members/u4/remove", Name: "Inès Petit", Login: "ines", Active: true, Devices: 3}}}
	own := g
	own.RolesPath, own.Managers, own.Scoped, own.CanChange, own.CanRemove, own.Members, own.Query, own.More = "", nil, true, false, false, nil, "zzz", ""
	safe := g
	safe.CanReset, safe.AtRisk, safe.UnscopedAdmins, safe.MoreManagers, safe.Members = 2, false, 0, true, nil
	add := console.Act{Base: at(lang, "groups", path+"/add"), Words: "group_add", Subject: g.Name, Action: path + "/add", Back: path,
		Fields: []console.Field{{Name: "login", Words: "group_login", Kind: "text"}, {Name: "reason", Kind: "text", HasHint: true}}}
	return []Sample{{"groups", console.Groups{Base: b, Groups: rows, CanCreate: true, More: b.Path + "?after=x"}}, {"groups-none", console.Groups{Base: b, Query: "zzz"}},
		{"groups-sparse", console.Groups{Base: b, Query: "zzz", More: b.Path + "?after=x"}},
		{"group", g}, {"group-scoped", own}, {"group-safe", safe}, {"group-add", add}}
}

func roleSamples(lang string) []Sample {
	b := at(lang, "roles", "/console/roles")
	filter := console.Field{Name: "role", Words: "roles_role", Kind: "select", Optional: true, Options: []console.Option{{Words: "roles.any"}, {Value: "HELP_DESK_ADMIN", Words: "roles.name_HELP_DESK_ADMIN"}}}
	holders := []console.HolderRow{{Path: b.Path + "/u1", Name: "Jeanne Martin", Login: "jeanne@garage.example", Active: true, Roles: []templates.Key{"roles.name_SUPER_ADMIN"}},
		{Path: b.Path + "/u2", Name: "Paul Petit", Login: "paul@garage.example", Active: true, Group: "Garage Lumière", Roles: []templates.Key{"roles.name_HELP_DESK_ADMIN", "roles.name_USER_ADMIN"}},
		{Path: b.Path + "/u3", Name: "Régie Vandenbroucke", Login: "regie@garage.example", Many: true, Roles: []templates.Key{"roles.name_READ_ONLY_ADMIN"}}}
	at1 := b.Path + "/u2"
	person := console.PersonRoles{Base: at(lang, "roles", at1), Name: "Paul Petit", Login: "paul@garage.example", PersonPath: "/console/people/u2", Path: at1, CanAssign: true,
		Assignments: []console.AssignmentRow{{Path: at1 + "/r1", Role: "roles.name_HELP_DESK_ADMIN", Since: day, CanChange: true,
			Groups: []console.TargetRow{{Name: "Garage Lumière", Remove: at1 + "/r1/remove_group?group=g1"}, {Name: "Garage du Nord", Remove: at1 + "/r1/remove_group?group=g2"}}},
			{Path: at1 + "/r2", Role: "roles.name_SUPER_ADMIN", Since: day, Whole: true}}}
	nobody := person
	nobody.Assignments, nobody.CanAssign = nil, false
	where := []console.Field{{Name: "type", Words: "role_type", Kind: "select", Options: filter.Options[1:]},
		{Name: "where", Words: "role_where", Kind: "choice", Options: []console.Option{{Value: "all", Words: "field.role_all"}, {Value: "named", Words: "field.role_named"}}},
		{Name: "groups", Words: "role_groups", Kind: "textarea", Optional: true, HasHint: true}, {Name: "reason", Kind: "text", HasHint: true}}
	assign := console.Act{Base: at(lang, "roles", at1+"/assign"), Words: "role_assign", Subject: "Paul Petit", Action: at1 + "/assign", Back: at1, Fields: where}
	return []Sample{{"roles", console.Roles{Base: b, Filter: filter, Holders: holders, More: b.Path + "?after=x"}},
		{"roles-group", console.Roles{Base: b, Filter: filter, Group: "g1", GroupName: "Garage Lumière"}}, {"roles-sparse", console.Roles{Base: b, Filter: filter, More: b.Path + "?after=x"}},
		{"person-roles", person}, {"person-roles-none", nobody}, {"role-assign", assign}}
}

func tokenSamples(lang string) []Sample {
	b, a := at(lang, "tokens", "/console/tokens"), at(lang, "approvals", "/console/approvals")
	other := console.ApprovalRow{Path: a.Path + "/u1-x", Operation: "reset", Person: "/console/people/u1", Login: "jeanne@garage.example", By: "Paul Petit", Reason: "Le téléphone est tombé dans la fosse.", Asked: day, Until: day.Add(24 * time.Hour), CanApprove: true, CanReject: true}
	mine, me := other, other
	mine.Mine, mine.CanApprove, mine.Reason = true, false, ""
	me.AboutMe, me.CanApprove = true, false
	tokens := []console.TokenRow{{Revoke: b.Path + "/t1/revoke", Name: "planning", Owner: "Jeanne Martin", Mine: true, Role: "roles.name_USER_ADMIN", All: true, Expires: day.AddDate(0, 3, 0), LastUsed: day},
		{Revoke: b.Path + "/t2/revoke", Name: "import de l’annuaire", Role: "roles.name_SUPER_ADMIN", Groups: []string{"Garage Lumière", "Garage du Nord"}, Expires: day, Expired: true, Secrets: true, Authn: true},
		{Revoke: b.Path + "/t3/revoke", Name: "ancien", Owner: "Paul Petit", Role: "roles.name_READ_ONLY_ADMIN", Expires: day.AddDate(1, 0, 0)}}
	shown := console.SecretShown{Base: at(lang, "tokens", b.Path+"/new"), Words: "token_create", Subject: "planning", Secret: "brl_6Qd0Zk8nV1xYb3mT7sWcRfGhJ2pLqA9e", Expires: day.AddDate(0, 3, 0), Back: b.Path}
	one := func(row console.ApprovalRow) console.Approval {
		return console.Approval{Base: at(lang, "approvals", row.Path), ApprovalRow: row}
	}
	role, further, profile := one(mine), one(other), one(other)
	role.Operation, role.Role = "role", &console.ApprovedRole{Role: "roles.name_USER_ADMIN"}
	further.Operation, further.Role = "role", &console.ApprovedRole{Role: "roles.name_HELP_DESK_ADMIN", Further: true, Groups: []string{"Garage Lumière"}}
	profile.Operation, profile.Changes = "profile", []console.ApprovedMember{{Words: "field.email", Old: "jeanne@garage.example", New: "jeanne.martin-de-la-fontaine@garage-du-nord.example"},
		{Words: "field.mobilePhone", New: "+33612345678"}, {Name: "badge", Old: "12"}}
	approve := console.Act{Base: at(lang, "approvals", other.Path+"/approve"), Words: "approval_approve", Subject: other.Login, Action: other.Path + "/approve", Back: other.Path, Danger: true, Approval: &profile,
		Fields: []console.Field{{Name: "reason", Kind: "text", HasHint: true, Focus: true}}}
	return []Sample{{"approvals", console.Approvals{Base: a, Approvals: []console.ApprovalRow{other, mine, me, role.ApprovalRow, profile.ApprovalRow}, More: a.Path + "?after=x"}}, {"approvals-none", console.Approvals{Base: a}},
		{"approvals-sparse", console.Approvals{Base: a, More: a.Path + "?after=x"}},
		{"approval", one(other)}, {"approval-role", role}, {"approval-further", further}, {"approval-profile", profile}, {"approval-mine", one(mine)}, {"approval-me", one(me)}, {"approval-approve", approve},
		{"tokens", console.Tokens{Base: b, Tokens: tokens, More: b.Path + "?after=x"}}, {"tokens-none", console.Tokens{Base: b}}, {"tokens-sparse", console.Tokens{Base: b, More: b.Path + "?after=x"}}, {"token-shown", shown}}
}
