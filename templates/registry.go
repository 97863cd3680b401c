package templates

// pages returns each page except Enrol, which has one template for each kind of factor.
func pages() []Page {
	return []Page{
		Login{}, Factor{}, Recovery{}, Ticket{}, TicketLink{}, Blocked{}, Invite{}, Forgot{}, ForgotSent{}, NewPassword{}, PasswordRequired{}, LoggedOut{}, OtherUser{},
		ChooseDevice{}, AddSecondDevice{},
		Account{}, StepUp{}, AddDevice{}, DeviceRemove{}, DeviceConfirm{}, DeviceShow{}, DeviceShown{}, CopyRemove{}, Replace{}, RecoveryRenew{}, PasswordChange{},
		Help{}, HelpRequest{}, HelpSent{}, Failure{}, Mailbox{}, MailView{},
		Reference{},
		Continue{}, AccessDenied{}, Consent{}, RequestError{}, SignOutConfirm{}, NotSignedIn{}, UserCode{}, UserCodeConfirm{}, UserCodeDone{},
	}
}
