// Package enrol binds devices to users. It owns the enrolment of a device in a sign-in transaction or a session, the
// copies of a device that share its secret, admin enrolment, and imported devices.
//
// BeginEnrol stores a pending enrolment and returns the prompt for the page. FinishEnrol verifies the answer and stores
// the device. In a transaction the same Update spends the invitation or ticket and completes the sign-in
// (authn.Service.CompleteByEnrolment).
//
// Package authn verifies devices that are enrolled and counts wrong answers. Package authn/directory checks the
// permissions of administrators.
package enrol
