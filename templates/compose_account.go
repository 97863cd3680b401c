package templates

import (
	"barillet/internal/notice"
)

func composeInvitation(m notice.Invitation, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "invitation")
	who := "invitation_service"
	switch {
	case m.Inviter != "" && m.Group != "":
		who = "invitation_by_to"
	case m.Group != "":
		who = "invitation_to"
	case m.Inviter != "":
		who = "invitation_by"
	}
	l.Lines = []string{
		c.say("mail."+who, "Service", w.brand.Name, "Inviter", m.Inviter, "Group", m.Group),
		c.say("mail.invitation_next", "Login", m.Login),
	}
	l.Button, l.Link = c.say("mail.invitation_button"), m.Link
	l.After = []string{c.say("mail.link_until", "Until", c.moment(m.Until, w.brand.Zone)), c.say("mail.invitation_unexpected")}
	return l
}

func composeWelcome(m notice.Welcome, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "welcome")
	moved := c.say("mail.welcome_service", "Service", w.brand.Name)
	if m.Group != "" {
		moved = c.say("mail.welcome_group", "Service", w.brand.Name, "Group", m.Group)
	}
	l.Lines = []string{moved, c.say("mail.welcome_next", "Login", m.Login, "Device", m.Device)}
	l.Button, l.Link = c.say("mail.welcome_button"), m.Link
	l.After = []string{c.say("mail.link_until", "Until", c.moment(m.Until, w.brand.Zone)), c.say("mail.welcome_later")}
	return l
}

func composePasswordChanged(m notice.PasswordChanged, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "password_changed")
	l.Lines = []string{c.say("mail.password_changed_text")}
	return l.notYou(c, w, "not_you")
}

func composeAddressChanged(m notice.AddressChanged, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "address_changed")
	l.Lines = []string{c.say("mail.address_changed_text", "By", m.By)}
	if m.Login != "" {
		l.Lines = append(l.Lines, c.say("mail.address_changed_login", "Login", m.Login))
	}
	return l.notYou(c, w, "not_expected")
}

func composePasswordLink(m notice.PasswordLink, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "password_link")
	l.Lines = []string{c.say("mail.password_link_text")}
	l.Button, l.Link = c.say("mail.password_link_button"), m.Link
	l.After = []string{c.say("mail.link_until", "Until", c.moment(m.Until, w.brand.Zone))}
	return l.notYou(c, w, "not_you_link")
}

func composePasswordLinkShown(m notice.PasswordLinkShown, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "password_link_shown")
	l.Lines = []string{c.say("mail.password_link_shown_text", "By", m.By)}
	return l.notYou(c, w, "not_expected")
}

func composePasswordSetByAdmin(m notice.PasswordSetByAdmin, c *speaker, w composer) message {
	known := "password_set_by_admin_keep"
	if m.Temporary {
		known = "password_set_by_admin_temporary"
	}
	l := w.begin(c, m.Context, "password_set_by_admin", "By", m.By)
	l.Lines = []string{c.say("mail.password_set_by_admin_text", "By", m.By), c.say("mail." + known)}
	return l.notYou(c, w, "not_expected")
}

func composeDigest(m notice.Digest, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "digest")
	l.Lines = []string{c.say("mail.digest_text", "N", len(m.Entries))}
	for _, n := range m.Entries {
		l.Facts = append(l.Facts, fact{c.moment(n.At, w.brand.Zone), n.Subject})
	}
	return l.notYou(c, w, "not_you")
}
