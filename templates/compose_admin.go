package templates

import "barillet/internal/notice"

// roleNames are the keys of the roles' names for people.
var roleNames = map[string]string{
	"SUPER_ADMIN":     "mail.role_super_admin",
	"USER_ADMIN":      "mail.role_user_admin",
	"HELP_DESK_ADMIN": "mail.role_help_desk",
	"READ_ONLY_ADMIN": "mail.role_read_only",
}

func composeRoleChanged(m notice.RoleChanged, c *speaker, w composer) message {
	role := m.Role
	if key, ok := roleNames[m.Role]; ok {
		role = c.say(key)
	}
	l := w.begin(c, m.Context, "role_changed")
	what := "mail.role_removed_text"
	switch {
	case m.User != "" && m.Assigned:
		what = "mail.role_assigned_others"
	case m.User != "":
		what = "mail.role_removed_others"
	case m.Assigned:
		what = "mail.role_assigned_text"
	}
	l.Lines = []string{c.say(what, "By", m.By, "Role", role, "User", m.User)}
	return l.notYou(c, w, "not_expected")
}

func composeTokenCreated(m notice.TokenCreated, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "token_created")
	l.Lines = []string{c.say("mail.token_created_text", "By", m.By, "Token", m.TokenName, "Until", c.moment(m.Until, w.brand.Zone))}
	return l.notYou(c, w, "not_expected")
}
