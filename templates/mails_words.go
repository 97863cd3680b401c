package templates

import "barillet/internal/notice"

func composeInvitation(m notice.Invitation, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "invitation")
	who := "invitation_house"
	switch {
	case m.Inviter != "" && m.Group != "":
		who = "invitation_by_to"
	case m.Group != "":
		who = "invitation_to"
	case m.Inviter != "":
		who = "invitation_by"
	}
	l.Lines = []string{
		c.say("mail."+who, "House", w.brand.Name, "Inviter", m.Inviter, "Garage", m.Group),
		c.say("mail.invitation_next", "Login", m.Login),
	}
	l.Button, l.Link = c.say("mail.invitation_button"), m.Link
	l.After = []string{c.say("mail.link_until", "Until", c.moment(m.Until, w.brand.Zone)), c.say("mail.invitation_unexpected")}
	return l
}

func composeWelcome(m notice.Welcome, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "welcome")
	moved := c.say("mail.welcome_house", "House", w.brand.Name)
	if m.Group != "" {
		moved = c.say("mail.welcome_garage", "House", w.brand.Name, "Garage", m.Group)
	}
	l.Lines = []string{moved, c.say("mail.welcome_next", "Login", m.Login, "Device", m.Device)}
	l.Button, l.Link = c.say("mail.welcome_button"), m.Link
	l.After = []string{c.say("mail.link_until", "Until", c.moment(m.Until, w.brand.Zone)), c.say("mail.welcome_later")}
	return l
}

func composeDevicesReset(m notice.DevicesReset, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "devices_reset")
	l.Lines = []string{c.say("mail.devices_reset_text"), c.say("mail.devices_reset_next")}
	l.Button, l.Link = c.say("mail.devices_reset_button"), m.Link
	l.CodeIs, l.Code = c.say("mail.devices_reset_code"), m.Code
	l.After = []string{c.say("mail.ticket_until", "Until", c.moment(m.Until, w.brand.Zone)), c.say("mail.ticket_secret")}
	return l.notYou(c, w, "not_you_reset")
}

func composeDevicesResetTold(m notice.UserDevicesReset, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "devices_reset_told", "Person", m.User)
	l.Lines = []string{c.say("mail.devices_reset_told_text", "Person", m.User, "By", m.By)}
	if m.Reason != "" {
		l.Lines = append(l.Lines, c.say("mail.devices_reset_told_reason"))
		l.Quote = m.Reason
	}
	return l.notYou(c, w, "not_expected")
}

func composeDeviceAdded(m notice.DeviceAdded, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "device_added")
	l.Lines = []string{c.say("mail.device_added_text", "Device", m.Device)}
	return l.notYou(c, w, "not_you")
}

func composeDeviceOffered(m notice.DeviceEnrolledByAdmin, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "device_offered")
	l.Lines = []string{c.say("mail.device_offered_text", "Device", m.Device, "By", m.By)}
	if m.Unconfirmed {
		l.Lines = append(l.Lines, c.say("mail.device_offered_waits"))
		l.Button, l.Link = c.say("mail.device_offered_button"), w.brand.URL+"/account"
	}
	return l.notYou(c, w, "not_expected")
}

func composeDeviceRemoved(m notice.DeviceRemoved, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "device_removed")
	l.Lines = []string{c.say("mail.device_removed_text", "Device", m.Device)}
	return l.notYou(c, w, "not_you")
}

func composeQRShown(m notice.QRShown, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "qr_shown")
	l.Lines = []string{c.say("mail.qr_shown_text", "Device", m.Device)}
	return l.notYou(c, w, "not_you")
}

func composeCopyConfirmed(m notice.CopyConfirmed, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "copy_confirmed")
	l.Lines = []string{c.say("mail.copy_confirmed_text", "Device", m.Device, "Copy", m.Copy)}
	return l.notYou(c, w, "not_you")
}

func composeRecoveryUsed(m notice.RecoveryUsed, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "recovery_used")
	l.Lines = []string{c.say("mail.recovery_used_text"), c.say("mail.recovery_used_left", "N", m.Remaining)}
	return l.notYou(c, w, "not_you")
}

func composeRecoveryRenewed(m notice.RecoveryRenewed, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "recovery_renewed")
	l.Lines = []string{c.say("mail.recovery_renewed_text")}
	return l.notYou(c, w, "not_you")
}

func composePasswordChanged(m notice.PasswordChanged, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "password_changed")
	l.Lines = []string{c.say("mail.password_changed_text")}
	return l.notYou(c, w, "not_you")
}

func composeAddressChanged(m notice.AddressChanged, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "address_changed")
	l.Lines = []string{c.say("mail.address_changed_text", "By", m.By)}
	if m.Login != "" {
		l.Lines = append(l.Lines, c.say("mail.address_changed_login", "Login", m.Login))
	}
	return l.notYou(c, w, "not_expected")
}

func composePasswordLink(m notice.PasswordLink, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "password_link")
	l.Lines = []string{c.say("mail.password_link_text")}
	l.Button, l.Link = c.say("mail.password_link_button"), m.Link
	l.After = []string{c.say("mail.link_until", "Until", c.moment(m.Until, w.brand.Zone))}
	return l.notYou(c, w, "not_you_link")
}

func composePasswordLinkGiven(m notice.PasswordLinkShown, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "password_link_given")
	l.Lines = []string{c.say("mail.password_link_given_text", "By", m.By)}
	return l.notYou(c, w, "not_expected")
}

func composePasswordGiven(m notice.PasswordSetByAdmin, c *speaker, w writer) message {
	known := "password_given_keep"
	if m.Temporary {
		known = "password_given_temporary"
	}
	l := w.begin(c, m.Context, "password_given", "By", m.By)
	l.Lines = []string{c.say("mail.password_given_text", "By", m.By), c.say("mail." + known)}
	return l.notYou(c, w, "not_expected")
}

func composeNewBrowser(m notice.NewBrowser, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "new_browser")
	l.Lines = []string{c.say("mail.new_browser_text")}
	return l.notYou(c, w, "not_you")
}

func composeWrongCodes(m notice.WrongCodes, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "wrong_codes")
	l.Lines = []string{c.say("mail.wrong_codes_text", "N", m.Count)}
	return l.notYou(c, w, "not_you_codes")
}

func composeHelpReceived(m notice.HelpReceived, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "help_received", "Reference", m.Reference)
	l.Lines = []string{c.say("mail.help_received_text", "Reference", m.Reference), c.say("mail.help_received_wait")}
	return l.notYou(c, w, "not_you_help")
}

func composeHelpForSupport(m notice.HelpForSupport, c *speaker, w writer) message {
	topic := c.say(string(TopicKey(m.Topic)))
	l := w.begin(c, m.Context, "help_for_support", "Reference", m.Reference, "Topic", topic)
	known := "help_for_support_unknown"
	if m.KnownUser {
		known = "help_for_support_known"
	}
	l.Lines = []string{c.say("mail.help_for_support_text", "From", m.From, "Topic", topic), c.say("mail." + known)}
	l.Quote = m.Message
	if m.Link != "" {
		l.Button, l.Link = c.say("mail.help_for_support_button"), m.Link
	}
	l.After = []string{c.say("mail.help_for_support_check")}
	return l
}

func composeHelpAnswered(m notice.HelpAnswered, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "help_answered", "Reference", m.Reference)
	l.Lines = []string{c.say("mail.help_answered_text", "Reference", m.Reference)}
	l.Quote = m.Answer
	l.After = []string{c.say("mail.help_answered_next")}
	if m.Rejected {
		l.Lines = []string{c.say("mail.help_rejected_text", "Reference", m.Reference)}
		l.After = []string{c.say("mail.help_rejected_next")}
	}
	return l.notYou(c, w, "not_you_help")
}

func composeKeyCloned(m notice.SecurityKeyDisabled, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "key_cloned")
	l.Lines = []string{c.say("mail.key_cloned_text", "Device", m.Device), c.say("mail.key_cloned_next")}
	return l.notYou(c, w, "not_you")
}

func composeTicketHanded(m notice.TicketShown, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "ticket_handed")
	if m.User == "" {
		l.Lines = []string{c.say("mail.ticket_handed_text", "By", m.By)}
		return l.notYou(c, w, "not_you_handed")
	}
	l.Lines = []string{c.say("mail.ticket_handed_told", "By", m.By, "Person", m.User)}
	return l.notYou(c, w, "not_expected")
}

func composeNotices(m notice.Digest, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "notices")
	l.Lines = []string{c.say("mail.notices_text", "N", len(m.Entries))}
	for _, n := range m.Entries {
		l.Facts = append(l.Facts, fact{c.moment(n.At, w.brand.Zone), n.Subject})
	}
	return l.notYou(c, w, "not_you")
}
