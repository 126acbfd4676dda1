/** Which parameters a network has, which of them may be pruned, and which weights are alive. */
package io.flipout.mask;
