package templates

import "barillet/internal/notice"

// roleNames are the keys of the roles' names for people.
var roleNames = map[string]string{
	"SUPER_ADMIN":     "mail.role_super_admin",
	"USER_ADMIN":      "mail.role_user_admin",
	"HELP_DESK_ADMIN": "mail.role_help_desk",
	"READ_ONLY_ADMIN": "mail.role_read_only",
}

func composeRoleChanged(m notice.RoleChanged, c *speaker, w writer) message {
	role := m.Role
	if key, ok := roleNames[m.Role]; ok {
		role = c.say(key)
	}
	l := w.begin(c, m.Context, "role_changed")
	what := "mail.role_taken_text"
	switch {
	case m.User != "" && m.Assigned:
		what = "mail.role_given_told"
	case m.User != "":
		what = "mail.role_taken_told"
	case m.Assigned:
		what = "mail.role_given_text"
	}
	l.Lines = []string{c.say(what, "By", m.By, "Role", role, "Person", m.User)}
	return l.notYou(c, w, "not_expected")
}

func composeResetAsked(m notice.ResetRequested, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "reset_asked")
	if m.User == "" {
		l.Lines = []string{c.say("mail.reset_asked_text", "By", m.By)}
	} else {
		l.Lines = []string{c.say("mail.reset_asked_told", "By", m.By, "Person", m.User), c.say("mail.reset_asked_second")}
		l.After = []string{c.say("mail.reset_asked_until", "Until", c.moment(m.Until, w.brand.Zone))}
	}
	if m.Link != "" {
		l.Button, l.Link = c.say("mail.reset_asked_button"), m.Link
	}
	if m.Reason != "" {
		l.Lines = append(l.Lines, c.say("mail.devices_reset_told_reason"))
		l.Quote = m.Reason
	}
	return l.notYou(c, w, "not_expected")
}

func composeTokenMade(m notice.TokenCreated, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "token_made")
	l.Lines = []string{c.say("mail.token_made_text", "By", m.By, "Token", m.TokenName, "Until", c.moment(m.Until, w.brand.Zone))}
	return l.notYou(c, w, "not_expected")
}
