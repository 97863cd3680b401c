// Package sample is the sample application of the demonstration: a page that signs users in with OpenID Connect and shows the
// claims that it receives. It uses only the public URL of the service and a third-party client library, and keeps its state in
// memory. It is not part of the service.
package sample
