package templates

import (
	"barillet/internal/notice"
)

func composeDeviceAdded(m notice.DeviceAdded, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "device_added")
	l.Lines = []string{c.say("mail.device_added_text", "Device", m.Device)}
	return l.notYou(c, w, "not_you")
}

func composeDeviceEnrolledByAdmin(m notice.DeviceEnrolledByAdmin, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "device_enrolled_by_admin")
	l.Lines = []string{c.say("mail.device_enrolled_by_admin_text", "Device", m.Device, "By", m.By)}
	if m.Unconfirmed {
		l.Lines = append(l.Lines, c.say("mail.device_enrolled_by_admin_unconfirmed"))
		l.Button, l.Link = c.say("mail.device_enrolled_by_admin_button"), w.brand.URL+"/account"
	}
	return l.notYou(c, w, "not_expected")
}

func composeDeviceRemoved(m notice.DeviceRemoved, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "device_removed")
	l.Lines = []string{c.say("mail.device_removed_text", "Device", m.Device)}
	return l.notYou(c, w, "not_you")
}

func composeQRShown(m notice.QRShown, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "qr_shown")
	l.Lines = []string{c.say("mail.qr_shown_text", "Device", m.Device)}
	return l.notYou(c, w, "not_you")
}

func composeCopyConfirmed(m notice.CopyConfirmed, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "copy_confirmed")
	l.Lines = []string{c.say("mail.copy_confirmed_text", "Device", m.Device, "Copy", m.Copy)}
	return l.notYou(c, w, "not_you")
}

func composeRecoveryUsed(m notice.RecoveryUsed, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "recovery_used")
	l.Lines = []string{c.say("mail.recovery_used_text"), c.say("mail.recovery_used_left", "N", m.Remaining)}
	return l.notYou(c, w, "not_you")
}

func composeRecoveryRenewed(m notice.RecoveryRenewed, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "recovery_renewed")
	l.Lines = []string{c.say("mail.recovery_renewed_text")}
	return l.notYou(c, w, "not_you")
}

func composeNewBrowser(m notice.NewBrowser, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "new_browser")
	l.Lines = []string{c.say("mail.new_browser_text")}
	return l.notYou(c, w, "not_you")
}

func composeWrongCodes(m notice.WrongCodes, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "wrong_codes")
	l.Lines = []string{c.say("mail.wrong_codes_text", "N", m.Count)}
	return l.notYou(c, w, "not_you_codes")
}

func composeSecurityKeyDisabled(m notice.SecurityKeyDisabled, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "security_key_disabled")
	l.Lines = []string{c.say("mail.security_key_disabled_text", "Device", m.Device), c.say("mail.security_key_disabled_next")}
	return l.notYou(c, w, "not_you")
}

func composeDeviceSignedIn(m notice.DeviceSignedIn, c *speaker, w composer) message {
	l := w.begin(c, m.Context, "device_signed_in", "App", m.App)
	l.Lines = []string{c.say("mail.device_signed_in_text", "App", m.App)}
	return l.notYou(c, w, "not_you")
}
