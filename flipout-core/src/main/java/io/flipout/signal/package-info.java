/** What a method watches while the weights train. */
package io.flipout.signal;
