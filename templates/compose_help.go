package templates

import (
	"cmp"
	"strconv"

	"barillet/internal/notice"
)

func composeDevicesReset(n notice.DevicesReset, c *translator, w composer) message {
	m := w.begin(c, n.Context, "devices_reset")
	m.Lines = []string{c.text("mail.devices_reset_text"), c.text("mail.devices_reset_next")}
	m.Button, m.Link = c.text("mail.devices_reset_button"), n.Link
	m.CodeIs, m.Code = c.text("mail.devices_reset_code"), n.Code
	m.After = []string{c.text("mail.ticket_until", "Until", c.moment(n.Until, w.brand.Zone)), c.text("mail.ticket_secret")}
	return m.notYou(c, w, "mail.not_you_reset")
}

func composeUserDevicesReset(n notice.UserDevicesReset, c *translator, w composer) message {
	m := w.begin(c, n.Context, "user_devices_reset", "User", n.User)
	m.Lines = []string{c.text("mail.user_devices_reset_text", "User", n.User, "By", n.By)}
	if n.Reason != "" {
		m.Lines = append(m.Lines, c.text("mail.reset_reason"))
		m.Quote = n.Reason
	}
	return m.notYou(c, w, "mail.not_expected")
}

func composeHelpReceived(n notice.HelpReceived, c *translator, w composer) message {
	m := w.begin(c, n.Context, "help_received", "Reference", n.Reference)
	m.Lines = []string{c.text("mail.help_received_text", "Reference", n.Reference), c.text("mail.help_received_wait")}
	return m.notYou(c, w, "mail.not_you_help")
}

func composeHelpForSupport(n notice.HelpForSupport, c *translator, w composer) message {
	topic := c.text(string(TopicKey(n.Topic)))
	m := w.begin(c, n.Context, "help_for_support", "Reference", n.Reference, "Topic", topic)
	m.Lines = []string{c.text("mail.help_for_support_text", "From", n.From, "Topic", topic)}
	if n.Open != "" {
		m.Lines = append(m.Lines, c.text("mail.help_for_support_open", "Reference", n.Open))
	}
	sentence := "mail.help_for_support_unknown"
	if n.KnownUser {
		sentence = "mail.help_for_support_known"
	}
	m.Lines = append(m.Lines, c.text(sentence))
	if n.User != "" {
		proven := "mail.help_for_support_unproven"
		if n.PasswordProven {
			proven = "mail.help_for_support_proven"
		}
		m.Lines = append(m.Lines, c.text(proven))
		if n.KnownBrowser {
			m.Lines = append(m.Lines, c.text("mail.help_for_support_browser"))
		}
		none := c.text("mail.fact_none")
		m.Details = append(m.Details, fact{c.text("mail.fact_user"), oneLine(n.User)}, fact{c.text("mail.fact_group"), oneLine(cmp.Or(n.Group, none))},
			fact{c.text("mail.fact_number"), oneLine(cmp.Or(n.Number, none))})
	}
	m.Quote = n.Message
	m.Button, m.Link = c.text("mail.help_for_support_button"), w.brand.URL+"/console/requests/"+n.Reference
	m.After = []string{c.text("mail.help_for_support_check"), c.text("mail.help_for_support_command", "Reference", n.Reference)}
	return m
}

func composeHelpWaiting(n notice.HelpWaiting, c *translator, w composer) message {
	m := w.begin(c, n.Context, "help_waiting")
	m.Lines = []string{c.text("mail.help_waiting_text", "Count", strconv.Itoa(n.Count)), c.text("mail.help_waiting_next")}
	m.Button, m.Link = c.text("mail.help_waiting_button"), w.brand.URL+"/console/requests"
	m.After = []string{c.text("mail.help_waiting_command")}
	return m
}

func composeHelpAnswered(n notice.HelpAnswered, c *translator, w composer) message {
	m := w.begin(c, n.Context, "help_answered", "Reference", n.Reference)
	m.Lines = []string{c.text("mail.help_answered_text", "Reference", n.Reference)}
	m.Quote = n.Answer
	m.After = []string{c.text("mail.help_answered_next")}
	if n.Rejected {
		m.Lines = []string{c.text("mail.help_rejected_text", "Reference", n.Reference)}
		m.After = []string{c.text("mail.help_rejected_next")}
	}
	return m.notYou(c, w, "mail.not_you_help")
}

func composeTicketShown(n notice.TicketShown, c *translator, w composer) message {
	m := w.begin(c, n.Context, "ticket_shown")
	if n.User == "" {
		m.Lines = []string{c.text("mail.ticket_shown_text", "By", n.By)}
	} else {
		m.Lines = []string{c.text("mail.ticket_shown_others", "By", n.By, "User", n.User)}
	}
	if n.Witness != "" {
		m.Lines = append(m.Lines, c.text("mail.ticket_shown_witness", "Witness", n.Witness))
	}
	if n.User == "" {
		return m.notYou(c, w, "mail.not_you_ticket")
	}
	return m.notYou(c, w, "mail.not_expected")
}

func composeWitnessAsked(n notice.WitnessAsked, c *translator, w composer) message {
	m := w.begin(c, n.Context, "witness_asked")
	m.Lines = []string{c.text("mail.witness_asked_text", "By", n.By, "User", n.User)}
	if n.Group != "" {
		m.Details = append(m.Details, fact{c.text("mail.fact_group"), oneLine(n.Group)})
	}
	m.Lines = append(m.Lines, c.text("mail.witness_asked_present", "User", n.User))
	m.Button, m.Link = c.text("mail.witness_asked_button"), n.Link
	m.After = []string{c.text("mail.witness_asked_until", "Until", c.moment(n.Until, w.brand.Zone))}
	return m.notYou(c, w, "mail.not_expected")
}

func composeHandoverRefused(n notice.HandoverRefused, c *translator, w composer) message {
	m := w.begin(c, n.Context, "handover_refused")
	sentence := "mail.handover_refused_text"
	switch {
	case n.User == "" && n.Wrong:
		sentence = "mail.handover_wrong_text"
	case n.Wrong:
		sentence = "mail.handover_wrong_others"
	case n.User != "":
		sentence = "mail.handover_refused_others"
	}
	m.Lines = []string{c.text(sentence, "By", n.By, "Witness", n.Witness, "User", n.User), c.text("mail.handover_refused_next")}
	return m.notYou(c, w, "mail.not_expected")
}

func composeApprovalRequested(n notice.ApprovalRequested, c *translator, w composer) message {
	m := w.begin(c, n.Context, "approval_requested")
	sentences := map[string][2]string{"reset": {"mail.approval_requested_reset", "mail.approval_requested_reset_others"},
		"role": {"mail.approval_requested_role", "mail.approval_requested_role_others"}, "profile": {"mail.approval_requested_profile", "mail.approval_requested_profile_others"}}[n.Operation]
	if n.User == "" {
		m.Lines = []string{c.text(sentences[0], "By", n.By)}
	} else {
		m.Lines = []string{c.text(sentences[1], "By", n.By, "User", n.User), c.text("mail.approval_requested_check")}
		m.After = []string{c.text("mail.approval_requested_until", "Until", c.moment(n.Until, w.brand.Zone))}
	}
	if n.ID != "" {
		m.After = append(m.After, c.text("mail.approval_requested_command", "ID", n.ID), c.text("mail.approval_requested_call", "ID", n.ID))
	}
	if n.Reason != "" {
		m.Lines = append(m.Lines, c.text("mail.reset_reason"))
		m.Quote = n.Reason
	}
	return m.notYou(c, w, "mail.not_expected")
}
