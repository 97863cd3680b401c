package templates

// pages returns each page except Enrol, which has one template for each kind of factor.
func pages() []Page {
	return []Page{
		Login{}, Factor{}, Recovery{}, Ticket{}, TicketLink{}, Blocked{}, Invite{}, Setup{}, Together{}, Forgot{}, ForgotSent{}, NewPassword{}, PasswordRequired{}, Freeze{}, FreezeLink{}, Frozen{}, LoggedOut{}, OtherUser{},
		ChooseDevice{}, AddSecondDevice{},
		Account{}, StepUp{}, AddDevice{}, DeviceRemove{}, DeviceUnfreeze{}, Witness{}, DeviceConfirm{}, DeviceShow{}, DeviceShown{}, CopyRemove{}, Replace{}, RecoveryRenew{}, PasswordChange{},
		Help{}, HelpRequest{}, HelpSent{}, HelpProgress{}, Failure{}, Mailbox{}, MailView{},
		Reference{},
		Continue{}, SignInOver{}, AccessDenied{}, Consent{}, RequestError{}, SignOutConfirm{}, NotSignedIn{}, UserCode{}, UserCodeConfirm{}, UserCodeDone{},
	}
}
