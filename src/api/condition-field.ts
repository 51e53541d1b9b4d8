import { listOf, object, oneOf, text, type ValueOf } from '../spec/object-fields.ts';

/** KEDA's conditions carry no timestamps, so an unchanged state is an unchanged object. */
const condition = object('One aspect of the state of the object.', {
  type: text('Which aspect this is.', { required: true }),
  status: oneOf('Whether it holds.', ['True', 'False', 'Unknown'], { required: true, enforced: false }),
  reason: text('Why, as one word for programs.'),
  message: text('Why, as a sentence for people.'),
});

export type Condition = ValueOf<typeof condition>;

export const conditions = listOf('State of the object, one entry per aspect.', condition);
