package templates

import (
	"encoding/json"
	"fmt"
	"reflect"

	"barillet/internal/notice"
)

// noticeKind decodes the notices of one kind and composes their emails.
type noticeKind struct {
	zero    notice.Notice
	compose func(n notice.Notice, c *translator, w composer) message
}

func kindOf[N notice.Notice](compose func(N, *translator, composer) message) noticeKind {
	var zero N
	return noticeKind{zero, func(n notice.Notice, c *translator, w composer) message { return compose(n.(N), c, w) }}
}

func (k *noticeKind) decode(raw []byte) (notice.Notice, error) {
	n := reflect.New(reflect.TypeOf(k.zero))
	err := json.Unmarshal(raw, n.Interface())
	return n.Elem().Interface().(notice.Notice), err
}

// noticeKinds has each kind of notice once.
var noticeKinds = []noticeKind{
	kindOf(composeAddressChanged),
	kindOf(composeCopyConfirmed),
	kindOf(composeDeviceAdded),
	kindOf(composeDeviceEnrolledByAdmin),
	kindOf(composeDeviceRemoved),
	kindOf(composeDevicesFrozen),
	kindOf(composeDeviceUnfrozen),
	kindOf(composeDeviceSignedIn),
	kindOf(composeDevicesReset),
	kindOf(composeUserDevicesReset),
	kindOf(composeHandoverRefused),
	kindOf(composeHelpAnswered),
	kindOf(composeHelpForSupport),
	kindOf(composeHelpWaiting),
	kindOf(composeHelpReceived),
	kindOf(composeInvitation),
	kindOf(composeSecurityKeyDisabled),
	kindOf(composeNewBrowser),
	kindOf(composeDigest),
	kindOf(composeCodesStopped),
	kindOf(composePasswordExposed),
	kindOf(composePhoneChanged),
	kindOf(composePasswordChanged),
	kindOf(composePasswordSetByAdmin),
	kindOf(composePasswordLink),
	kindOf(composePasswordLinkShown),
	kindOf(composeQRShown),
	kindOf(composeRecoveryShown),
	kindOf(composeRecoveryUsed),
	kindOf(composeApprovalRequested),
	kindOf(composeRoleChanged),
	kindOf(composeSpaceLow),
	kindOf(composeCertificateProblem),
	kindOf(composeBackupFailed),
	kindOf(composeTicketShown),
	kindOf(composeTokenCreated),
	kindOf(composeWelcome),
	kindOf(composeWitnessAsked),
	kindOf(composeWrongCodes),
}

// noticeKindByName returns the kind with this name.
func noticeKindByName(name string) (noticeKind, error) {
	for _, k := range noticeKinds {
		if k.zero.Name() == name {
			return k, nil
		}
	}
	return noticeKind{}, fmt.Errorf("unknown kind of notice %q", name)
}

// DecodeNotice decodes a notice of the named kind from its JSON.
func DecodeNotice(name string, raw []byte) (notice.Notice, error) {
	k, err := noticeKindByName(name)
	if err != nil {
		return nil, fmt.Errorf("decoding notice: %w", err)
	}
	n, err := k.decode(raw)
	if err != nil {
		return nil, fmt.Errorf("decoding notice %q: %w", name, err)
	}
	return n, nil
}
