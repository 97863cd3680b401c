// Package shell is what the pages of the console share: the principal of the session, the navigation, and the act, which is
// an operation with a page of its own. An act asks for a step-up, a reason and a confirmation, charges its budget, is
// performed once for each form, and says why it was refused. The package knows no page and no operation.
package shell
