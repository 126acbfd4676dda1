/** What is left of a network. */
package io.flipout.report;
