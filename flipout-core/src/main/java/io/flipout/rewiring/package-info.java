/** Which weights come back while a network trains, and which go without a schedule. */
package io.flipout.rewiring;
