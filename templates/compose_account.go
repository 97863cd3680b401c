package templates

import "barillet/internal/notice"

func composeInvitation(n notice.Invitation, c *translator, w composer) message {
	m := w.begin(c, n.Context, "invitation")
	sentence := "mail.invitation_service"
	switch {
	case n.Inviter != "" && n.Group != "":
		sentence = "mail.invitation_by_to"
	case n.Group != "":
		sentence = "mail.invitation_to"
	case n.Inviter != "":
		sentence = "mail.invitation_by"
	}
	m.Lines = []string{
		c.text(sentence, "Service", w.brand.Name, "Inviter", n.Inviter, "Group", n.Group),
		c.text("mail.invitation_next", "Login", n.Login),
	}
	m.Button, m.Link = c.text("mail.invitation_button"), n.Link
	m.After = []string{c.text("mail.link_until", "Until", c.moment(n.Until, w.brand.Zone)), c.text("mail.invitation_unexpected")}
	return m
}

func composeWelcome(n notice.Welcome, c *translator, w composer) message {
	m := w.begin(c, n.Context, "welcome")
	moved := c.text("mail.welcome_service", "Service", w.brand.Name)
	if n.Group != "" {
		moved = c.text("mail.welcome_group", "Service", w.brand.Name, "Group", n.Group)
	}
	m.Lines = []string{moved, c.text("mail.welcome_next", "Login", n.Login, "Device", n.Device)}
	m.Button, m.Link = c.text("mail.welcome_button"), n.Link
	m.After = []string{c.text("mail.link_until", "Until", c.moment(n.Until, w.brand.Zone)), c.text("mail.welcome_later")}
	return m
}

func composePasswordChanged(n notice.PasswordChanged, c *translator, w composer) message {
	m := w.begin(c, n.Context, "password_changed")
	m.Lines = []string{c.text("mail.password_changed_text")}
	return m.notYou(c, w, "mail.not_you")
}

func composeAddressChanged(n notice.AddressChanged, c *translator, w composer) message {
	m := w.begin(c, n.Context, "address_changed")
	m.Lines = []string{c.text("mail.address_changed_text", "By", n.By)}
	if n.Login != "" {
		m.Lines = append(m.Lines, c.text("mail.address_changed_login", "Login", n.Login))
	}
	if n.Numbers {
		m.Lines = append(m.Lines, c.text("mail.phone_changed_text", "By", n.By))
	}
	return m.notYou(c, w, "mail.not_expected")
}

func composePhoneChanged(n notice.PhoneChanged, c *translator, w composer) message {
	m := w.begin(c, n.Context, "phone_changed")
	m.Lines = []string{c.text("mail.phone_changed_text", "By", n.By), c.text("mail.phone_changed_wait")}
	return m.notYou(c, w, "mail.not_expected")
}

func composePasswordLink(n notice.PasswordLink, c *translator, w composer) message {
	m := w.begin(c, n.Context, "password_link")
	m.Lines = []string{c.text("mail.password_link_text")}
	m.Button, m.Link = c.text("mail.password_link_button"), n.Link
	m.After = []string{c.text("mail.link_until", "Until", c.moment(n.Until, w.brand.Zone))}
	return m.notYou(c, w, "mail.not_you_link")
}

func composePasswordLinkShown(n notice.PasswordLinkShown, c *translator, w composer) message {
	m := w.begin(c, n.Context, "password_link_shown")
	m.Lines = []string{c.text("mail.password_link_shown_text", "By", n.By)}
	return m.notYou(c, w, "mail.not_expected")
}

func composePasswordSetByAdmin(n notice.PasswordSetByAdmin, c *translator, w composer) message {
	sentence := "mail.password_set_by_admin_keep"
	if n.Temporary {
		sentence = "mail.password_set_by_admin_temporary"
	}
	m := w.begin(c, n.Context, "password_set_by_admin", "By", n.By)
	m.Lines = []string{c.text("mail.password_set_by_admin_text", "By", n.By), c.text(sentence)}
	return m.notYou(c, w, "mail.not_expected")
}

func composeDigest(n notice.Digest, c *translator, w composer) message {
	m := w.begin(c, n.Context, "digest")
	m.Lines = []string{c.text("mail.digest_text", "N", len(n.Entries))}
	for _, e := range n.Entries {
		m.Details = append(m.Details, fact{c.moment(e.At, w.brand.Zone), e.Subject})
	}
	return m.notYou(c, w, "mail.not_you")
}
