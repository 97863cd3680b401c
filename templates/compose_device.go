package templates

import "barillet/internal/notice"

func composeDeviceAdded(n notice.DeviceAdded, c *translator, w composer) message {
	m := w.begin(c, n.Context, "device_added")
	m.Lines = []string{c.text("mail.device_added_text", "Device", n.Device)}
	return m.notYou(c, w, "mail.not_you")
}

func composeDeviceEnrolledByAdmin(n notice.DeviceEnrolledByAdmin, c *translator, w composer) message {
	m := w.begin(c, n.Context, "device_enrolled_by_admin")
	m.Lines = []string{c.text("mail.device_enrolled_by_admin_text", "Device", n.Device, "By", n.By)}
	if n.Unconfirmed {
		m.Lines = append(m.Lines, c.text("mail.device_enrolled_by_admin_unconfirmed"))
		m.Button, m.Link = c.text("mail.device_enrolled_by_admin_button"), w.brand.URL+"/account"
	}
	return m.notYou(c, w, "mail.not_expected")
}

func composeDeviceRemoved(n notice.DeviceRemoved, c *translator, w composer) message {
	m := w.begin(c, n.Context, "device_removed")
	m.Lines = []string{c.text("mail.device_removed_text", "Device", n.Device)}
	return m.notYou(c, w, "mail.not_you")
}

func composeQRShown(n notice.QRShown, c *translator, w composer) message {
	m := w.begin(c, n.Context, "qr_shown")
	m.Lines = []string{c.text("mail.qr_shown_text", "Device", n.Device)}
	return m.notYou(c, w, "mail.not_you")
}

func composeCopyConfirmed(n notice.CopyConfirmed, c *translator, w composer) message {
	m := w.begin(c, n.Context, "copy_confirmed")
	m.Lines = []string{c.text("mail.copy_confirmed_text", "Device", n.Device, "Copy", n.Copy)}
	return m.notYou(c, w, "mail.not_you")
}

func composeRecoveryUsed(n notice.RecoveryUsed, c *translator, w composer) message {
	m := w.begin(c, n.Context, "recovery_used")
	m.Lines = []string{c.text("mail.recovery_used_text"), c.text("mail.recovery_used_left", "N", n.Remaining)}
	return m.notYou(c, w, "mail.not_you")
}

func composeRecoveryShown(n notice.RecoveryShown, c *translator, w composer) message {
	m := w.begin(c, n.Context, "recovery_shown")
	m.Lines = []string{c.text("mail.recovery_shown_text")}
	if !n.OldUntil.IsZero() {
		m.Lines = append(m.Lines, c.text("mail.recovery_shown_old", "Until", c.moment(n.OldUntil, w.brand.Zone)))
	}
	return m.notYou(c, w, "mail.not_you")
}

func composeNewBrowser(n notice.NewBrowser, c *translator, w composer) message {
	m := w.begin(c, n.Context, "new_browser")
	m.Lines = []string{c.text("mail.new_browser_text")}
	return m.notYou(c, w, "mail.not_you")
}

func composeWrongCodes(n notice.WrongCodes, c *translator, w composer) message {
	m := w.begin(c, n.Context, "wrong_codes")
	m.Lines = []string{c.text("mail.wrong_codes_text", "N", n.Count)}
	return m.notYou(c, w, "mail.not_you_codes")
}

func composeSecurityKeyDisabled(n notice.SecurityKeyDisabled, c *translator, w composer) message {
	m := w.begin(c, n.Context, "security_key_disabled")
	m.Lines = []string{c.text("mail.security_key_disabled_text", "Device", n.Device), c.text("mail.security_key_disabled_next")}
	return m.notYou(c, w, "mail.not_you")
}

func composeDeviceSignedIn(n notice.DeviceSignedIn, c *translator, w composer) message {
	m := w.begin(c, n.Context, "device_signed_in", "App", n.App)
	m.Lines = []string{c.text("mail.device_signed_in_text", "App", n.App)}
	return m.notYou(c, w, "mail.not_you")
}
