package templates

import "barillet/internal/notice"

// roleNames maps the types of roles to the keys of their names.
var roleNames = map[string]string{
	"SUPER_ADMIN":     "mail.role_super_admin",
	"USER_ADMIN":      "mail.role_user_admin",
	"HELP_DESK_ADMIN": "mail.role_help_desk",
	"READ_ONLY_ADMIN": "mail.role_read_only",
}

func composeRoleChanged(n notice.RoleChanged, c *translator, w composer) message {
	role := n.Role
	if key, ok := roleNames[n.Role]; ok {
		role = c.text(key)
	}
	m := w.begin(c, n.Context, "role_changed")
	sentence := "mail.role_removed_text"
	switch {
	case n.User != "" && n.Assigned:
		sentence = "mail.role_assigned_others"
	case n.User != "":
		sentence = "mail.role_removed_others"
	case n.Assigned:
		sentence = "mail.role_assigned_text"
	}
	m.Lines = []string{c.text(sentence, "By", n.By, "Role", role, "User", n.User)}
	return m.notYou(c, w, "mail.not_expected")
}

func composeTokenCreated(n notice.TokenCreated, c *translator, w composer) message {
	m := w.begin(c, n.Context, "token_created")
	if n.Until.IsZero() {
		m.Lines = []string{c.text("mail.token_created_application", "By", n.By, "Application", n.TokenName)}
		return m.notYou(c, w, "mail.not_expected")
	}
	m.Lines = []string{c.text("mail.token_created_text", "By", n.By, "Token", n.TokenName, "Until", c.moment(n.Until, w.brand.Zone))}
	return m.notYou(c, w, "mail.not_expected")
}

func composeBackupFailed(n notice.BackupFailed, c *translator, w composer) message {
	m := w.begin(c, n.Context, "backup_failed")
	last := c.text("mail.backup_failed_none")
	if !n.Last.IsZero() {
		last = c.text("mail.backup_failed_last", "At", c.moment(n.Last, w.brand.Zone))
	}
	m.Lines = []string{c.text("mail.backup_failed_text"), last, c.text("mail.backup_failed_next")}
	return m
}

func composeSpaceLow(n notice.SpaceLow, c *translator, w composer) message {
	m := w.begin(c, n.Context, "space_low")
	m.Lines = []string{c.text("mail.space_low_text", "Free", n.Free), c.text("mail.space_low_effect"), c.text("mail.space_low_next")}
	return m
}

// certificateTexts maps the problems of the certificate to the keys of their sentences.
var certificateTexts = map[string]string{
	"missing":    "mail.certificate_missing",
	"expired":    "mail.certificate_expired",
	"expiring":   "mail.certificate_expiring",
	"unreadable": "mail.certificate_unreadable",
}

func composeCertificateProblem(n notice.CertificateProblem, c *translator, w composer) message {
	m := w.begin(c, n.Context, "certificate_problem")
	m.Lines = []string{c.text(certificateTexts[n.Problem], "Until", c.moment(n.Expires, w.brand.Zone)),
		c.text("mail.certificate_effect"), c.text("mail.certificate_next")}
	return m
}
