/** The methods of the literature, each a bundle of a criterion, signals and gradient terms. */
package io.flipout.method;
