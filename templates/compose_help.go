package templates

import (
	"barillet/internal/notice"
)

func composeDevicesReset(m notice.DevicesReset, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "devices_reset")
	l.Lines = []string{c.say("mail.devices_reset_text"), c.say("mail.devices_reset_next")}
	l.Button, l.Link = c.say("mail.devices_reset_button"), m.Link
	l.CodeIs, l.Code = c.say("mail.devices_reset_code"), m.Code
	l.After = []string{c.say("mail.ticket_until", "Until", c.moment(m.Until, w.brand.Zone)), c.say("mail.ticket_secret")}
	return l.notYou(c, w, "not_you_reset")
}

func composeUserDevicesReset(m notice.UserDevicesReset, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "user_devices_reset", "User", m.User)
	l.Lines = []string{c.say("mail.user_devices_reset_text", "User", m.User, "By", m.By)}
	if m.Reason != "" {
		l.Lines = append(l.Lines, c.say("mail.reset_reason"))
		l.Quote = m.Reason
	}
	return l.notYou(c, w, "not_expected")
}

func composeHelpReceived(m notice.HelpReceived, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "help_received", "Reference", m.Reference)
	l.Lines = []string{c.say("mail.help_received_text", "Reference", m.Reference), c.say("mail.help_received_wait")}
	return l.notYou(c, w, "not_you_help")
}

func composeHelpForSupport(m notice.HelpForSupport, c *speaker, w composer) message {
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

func composeHelpAnswered(m notice.HelpAnswered, c *speaker, w composer) message {
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

func composeTicketShown(m notice.TicketShown, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "ticket_shown")
	if m.User == "" {
		l.Lines = []string{c.say("mail.ticket_shown_text", "By", m.By)}
		return l.notYou(c, w, "not_you_ticket")
	}
	l.Lines = []string{c.say("mail.ticket_shown_others", "By", m.By, "User", m.User)}
	return l.notYou(c, w, "not_expected")
}

func composeResetRequested(m notice.ResetRequested, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "reset_requested")
	if m.User == "" {
		l.Lines = []string{c.say("mail.reset_requested_text", "By", m.By)}
	} else {
		l.Lines = []string{c.say("mail.reset_requested_others", "By", m.By, "User", m.User), c.say("mail.reset_requested_check")}
		l.After = []string{c.say("mail.reset_requested_until", "Until", c.moment(m.Until, w.brand.Zone))}
	}
	if m.Link != "" {
		l.Button, l.Link = c.say("mail.reset_requested_button"), m.Link
	}
	if m.Reason != "" {
		l.Lines = append(l.Lines, c.say("mail.reset_reason"))
		l.Quote = m.Reason
	}
	return l.notYou(c, w, "not_expected")
}
